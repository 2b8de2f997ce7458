"""Voice codecs as the E-model sees them: how much they impair, and how well they bear loss.

The values are on the narrow-band scale, whose best rating is 93.2. Values on a wider scale exist
for some codecs; subtracted from 93.2 they would be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

G113 = "ITU-T G.113, appendix I (provisional planning values)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A codec with its concealment.

    Attributes
    ----------
    name : for people
    ie : equipment impairment factor without loss, on the scale of R, 0 to 95
    bpl : packet-loss robustness factor, per cent; the larger, the less a loss is heard
    source : where the values come from
    assumed : whether they are an assumption and no published value of this codec
    """

    name: str
    ie: float
    bpl: float
    source: str
    assumed: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.ie <= 95:
            raise ValueError(f"ie must be from 0 to 95, got {self.ie}")
        if not self.bpl > 0:
            raise ValueError(f"bpl must be positive, got {self.bpl}")


# The Recommendation itself was not at hand. Open implementations of the E-model quote the same
# values for G.711, G.729A and G.723.1; those of GSM-EFR were not found a second time.
#
# Opus is not in G.113. It is given the values of G.711 with concealment, as the nearest modern
# narrow-band codec: an assumption, and a kind one at high loss. A published fit for
# super-wideband Opus (Ie 20.2, Bpl 11.3) is on a wider scale and must not be used here.
CODECS = {
    "g711-plain": Codec(name="G.711 without concealment", ie=0, bpl=4.3, source=G113),
    "g711": Codec(name="G.711 with concealment", ie=0, bpl=25.1, source=G113),
    "g729a": Codec(name="G.729A with silence suppression", ie=11, bpl=19.0, source=G113),
    "g723.1": Codec(name="G.723.1 at 6.3 kbit/s", ie=15, bpl=16.1, source=G113),
    "gsm-efr": Codec(name="GSM-EFR", ie=5, bpl=10.0, source=G113),
    "opus": Codec(
        name="Opus",
        ie=0,
        bpl=25.1,
        source="assumption: as G.711 with concealment; G.113 has no values for Opus",
        assumed=True,
    ),
}
