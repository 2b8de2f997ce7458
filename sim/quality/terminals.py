"""Telephones and rooms at both ends of a call, as the E-model of ITU-T G.107 describes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminals:
    """What both ends of a call are; the defaults are those of G.107, table 2.

    Attributes
    ----------
    slr_db, rlr_db : send and receive loudness rating, dB
    stmr_db : sidetone masking rating, dB, 9 to 20; the listener's sidetone is `stmr_db + dr`
    ds, dr : D-value of the telephone, send and receive side
    telr_db : talker echo loudness rating, dB
    wepl_db : weighted echo path loss, dB
    qdu : quantising distortion units
    nc_dbm0p, nfor_dbmp : circuit noise and noise floor at the receiver, dBm
    ps_dba, pr_dba : room noise at the sender and at the receiver, dB(A)
    advantage : what users forgive for an advantage of access, on the scale of R
    delay_sensitivity : sT, how sharply users feel delay; 1: as in the default model
    least_delay_ms : mT, the delay up to which they feel none, ms
    """

    slr_db: float = 8.0
    rlr_db: float = 2.0
    stmr_db: float = 15.0
    ds: float = 3.0
    dr: float = 3.0
    telr_db: float = 65.0
    wepl_db: float = 110.0
    qdu: float = 1.0
    nc_dbm0p: float = -70.0
    nfor_dbmp: float = -64.0
    ps_dba: float = 35.0
    pr_dba: float = 35.0
    advantage: float = 0.0
    delay_sensitivity: float = 1.0
    least_delay_ms: float = 100.0

    def __post_init__(self) -> None:
        if not 9 <= self.stmr_db <= 20:
            raise ValueError(f"stmr_db must be from 9 to 20, got {self.stmr_db}")
        if not self.qdu >= 1:
            raise ValueError(f"qdu must be at least 1, got {self.qdu}")
        for name in ("delay_sensitivity", "least_delay_ms"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")

    @property
    def olr_db(self) -> float:
        """The overall loudness rating, dB."""
        return self.slr_db + self.rlr_db

    @property
    def noise_dbm0p(self) -> float:
        """No: the sum of all noise powers, referred to the 0 dBr point, dBm0p."""
        heard_dba = self.pr_dba + 10 * np.log10(1 + 10 ** ((10 - self.stmr_db - self.dr) / 10))
        sources = (
            self.nc_dbm0p,
            self.ps_dba
            - self.slr_db
            - self.ds
            - 100
            + 0.004 * (self.ps_dba - self.olr_db - self.ds - 14) ** 2,
            self.rlr_db - 121 + heard_dba + 0.008 * (heard_dba - 35) ** 2,
            self.nfor_dbmp + self.rlr_db,
        )
        return float(10 * np.log10(sum(10 ** (source / 10) for source in sources)))

    @property
    def signal_to_noise(self) -> float:
        """Ro: the basic signal-to-noise ratio, on the scale of R."""
        return 15 - 1.5 * (self.slr_db + self.noise_dbm0p)


DEFAULT = Terminals()
