#if HAS_Z3
import SymbolicChecker
import Verdicts

/// An invariant as lemmas to paste.
struct OfferText {
  let offer: LemmaOffer

  init(_ offer: LemmaOffer) { self.offer = offer }

  var text: String {
    guard !offer.lemmas.isEmpty || !offer.leftOut.isEmpty else { return "" }
    let what =
      offer.isProof
      ? "as lemmas, proved together with the claim by 1-induction"
      : "as lemmas, which do not prove the claim by themselves"
    var out = "            \(what):\n"
    for lemma in offer.lemmas { out += "              \(lemma.swift)\n" }
    for reason in offer.leftOut { out += "              // left out: \(reason)\n" }
    return out
  }

  var members: [JSONValue.Member] {
    [
      .init(name: "offered_lemmas", value: .array(offer.lemmas.map { .string($0.swift) })),
      .init(name: "offered_lemmas_prove_it", value: .bool(offer.isProof)),
      .init(name: "left_out", value: .array(offer.leftOut.map { .string($0) })),
    ]
  }
}
#endif
