import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the list and the thread depend on (s390-pv §2.2).
extension SetAsideList {
  @ListBuilder<Mutation> var mutations: [Mutation] {
    Mutation(
      "B6", "a page of the predecessor kills the guest", caughtBy: ["S390-22"], at: "small",
      cites: "s390-pv B6"
    ) {
      Replacing(step: ProtectedVM.wipes) {
        Step(ProtectedVM.wipes) { Return(.segfault) }
      }
    }
    Mutation(
      "allocate-first", "room on the list is allocated before a page is cleaned for it",
      caughtBy: ["SI-29-page"], at: "small", cites: "s390-pv §2.2"
    ) {
      Replacing(step: ProtectedVM.unmaps) {
        Step(ProtectedVM.unmaps) {
          kvm.allocates(
            .record,
            Statements {
              Each(Page.self) { p in When(kvm.place[p] == .mapped) { kvm.leaves(p) } }
            },
            failing: Statements {
              Each(Page.self) { p in When(kvm.place[p] == .mapped) { kvm.place[p] <- .lost } }
            })
        }
      }
    }
    Mutation(
      "keep-table", "the guest keeps the table of its predecessor", caughtBy: ["SI-8"],
      at: "small", cites: "s390-pv SI-8"
    ) { Without(step: Self.copiesTable) }
  }
}
