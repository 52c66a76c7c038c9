import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// Bugs of guest_memfd's history that can be told in this model (guest-memfd §6), and locks and
/// steps that it needs.
extension GmemMainline {
  @ListBuilder<Mutation>
  var bugs: [Mutation] {
    Mutation(
      "B2", "a memslot that goes while its file dies stays in the bindings",
      caughtBy: ["I-BIND-LIVE"], at: "race", cites: "guest-memfd B2"
    ) {
      Replacing(step: "unbinds a file that is dying") {
        Step("unbinds a file that is dying") { slotFile[s] <- nil }
      }
    }
  }
}
