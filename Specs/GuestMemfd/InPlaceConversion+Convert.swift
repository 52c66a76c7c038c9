import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension InPlaceConversion {
  var convert: Action {
    sharing.convert(
      toPrivate: Statements {
        invalidationBegins(f.element, Self.beginsPrivate) { p in
          sharing.changes(p, to: .private)
        }
        Step(Self.storesPrivate) { storesAttribute(.private) }
        invalidationEnds(f.element, Self.ends)
      },
      toShared: Statements {
        invalidationBegins(f.element, Self.beginsShared) { p in sharing.changes(p, to: .shared) }
        When(backend == Backend.snp) { Step(Self.makesShared) { makesPagesShared } }
        Step(Self.storesShared) { storesAttribute(.shared) }
        invalidationEnds(f.element, Self.ends)
      })
  }

  @StatementBuilder var makesPagesShared: [Statement] {
    Each(Page.self) { p in When(range.contains(p)) { assigned[p] <- false } }
  }

  @StatementBuilder func storesAttribute(_ target: Share) -> [Statement] {
    sharing.storesAttribute(target)
    stored <- stored.inserting(f.element)
  }

  static let makesShared = "makes the pages shared in the RMP"
  static let storesPrivate = "stores the attribute of the whole range: private"
  static let storesShared = "stores the attribute of the whole range: shared"
  static let beginsPrivate = "invalidation begins: the guest loses shared pages"
  static let beginsShared = "invalidation begins: the guest loses private pages"

  /// kvm_gmem_invalidate_begin: SPTEs go, faults in flight will have to retry (guest-memfd §1.5).
  @StatementBuilder
  func invalidationBegins(
    _ f: Expr<File>, _ name: String, _ which: (Expr<Page>) -> Condition
  ) -> [Statement] {
    Holding(mmuLock, .write) {
      Step(name) {
        invalidating[f] <- true
        Each(Page.self) { p in When(which(p)) { spte[p] <- .none } }
      }
    }
  }

  /// kvm_gmem_invalidate_end: mmu_invalidate_seq moves on (guest-memfd §1.5).
  @StatementBuilder
  func invalidationEnds(_ f: Expr<File>, _ name: String) -> [Statement] {
    Holding(mmuLock, .write) {
      Step(name) { endsInvalidation(f) }
    }
  }

  @StatementBuilder
  func endsInvalidation(_ f: Expr<File>) -> [Statement] {
    invalidating[f] <- false
    stored <- stored.removing(f)
    When(slot[f] != .absent) {
      Each(VCPU.self) { v in When(holding(vcpuMutex[v])) { stale[v] <- true } }
    }
  }

  static let ends = "invalidation ends"
}
