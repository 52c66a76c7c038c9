import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What the caller of a conversion gets wrong (guest-memfd §2.2).
enum ConversionFlaw: EnumDomain {
  case none
  case badPointer
  /// Flags, reserved words, other attributes, a size of 0, alignment, or beyond the file's end.
  case invalid
}

extension InPlaceConversion {
  /// KVM_SET_MEMORY_ATTRIBUTES2 on a guest_memfd descriptor: the whole range or nothing
  /// (guest-memfd §2.2). Neither the mm nor vm_dead is looked at.
  var convert: Action {
    Action(
      Self.convertName, taking: [f, range, target, flaw, noMemory], by: HostThread.self,
      cites: "guest-memfd §2.2"
    ) {
      Step("the call") {
        Require(gmem[f] == .open && isRange)
        Require(arguments == 1 || flaw == .none && !noMemory)
      }
      Holding(fdget[f], .shared) { setAttributes }
    }
  }

  @StatementBuilder
  private var setAttributes: [Statement] {
    Step("the arguments") {
      Check(gmem[f] == .open, else: .EBADF).because("fdget", "guest-memfd §1.4")
      Check(enabled == 1, else: .ENOTTY)
        .because("kvm.gmem_in_place_conversion is off", "guest-memfd I-ENOTTY")
      Check(flaw != .badPointer, else: .EFAULT)
      Check(flaw != .invalid, else: .EINVAL)
        .because("flags, reserved words, attributes, size, alignment, end")
    }
    Holding(invalidateLock[f]) {
      Step("is there anything to do?") {
        Check(
          exists(Page.self) { p in range.contains(p) && attribute[p] != target }, else: .ok
        )
        .because("no invalidation, mmu_invalidate_seq stays", "guest-memfd §2.2")
      }
      Step(Self.preallocates) {
        Check(!noMemory, else: .ENOMEM).because("nothing has changed", "guest-memfd §2.2")
      }
      When(target == .private) {
        takeFromUsers
        invalidationBegins(f.element, Self.beginsPrivate) { p in changes(p, to: .private) }
        Step(Self.storesPrivate) { storesAttribute(.private) }
        invalidationEnds(f.element, Self.ends)
      } else: {
        invalidationBegins(f.element, Self.beginsShared) { p in changes(p, to: .shared) }
        When(backend == Backend.snp) { Step(Self.makesShared) { makesPagesShared } }
        Step(Self.storesShared) { storesAttribute(.shared) }
        invalidationEnds(f.element, Self.ends)
      }
    }
  }

  @StatementBuilder var makesPagesShared: [Statement] {
    Each(Page.self) { p in When(range.contains(p)) { assigned[p] <- false } }
  }

  @StatementBuilder func storesAttribute(_ target: Share) -> [Statement] {
    Each(Page.self) { p in When(range.contains(p)) { attribute[p] <- target } }
    stored <- stored.inserting(f.element)
  }

  static let preallocates = "preallocates the tree's nodes"
  static let makesShared = "makes the pages shared in the RMP"
  static let storesPrivate = "stores the attribute of the whole range: private"
  static let storesShared = "stores the attribute of the whole range: shared"
  static let beginsPrivate = "invalidation begins: the guest loses shared pages"
  static let beginsShared = "invalidation begins: the guest loses private pages"
  static let unmaps = "unmaps the range from all user page tables"
  static let looksAtFolio = "is the folio mapped or pinned? drains the LRU batches"
  static let letsGo = "lets go of the folios that it has looked at"
  static let counts = "counts the folio's references"

  /// Some pages of the file and of no other.
  private var isRange: Condition {
    exists(Page.self) { p in range.contains(p) }
      && forAll(Page.self) { p in range.contains(p) ==> fileOf[p] == f }
  }

  private func changes(_ p: Expr<Page>, to target: Share) -> Condition {
    range.contains(p) && attribute[p] != target
  }

  /// To private: user page tables first, then every folio must be the page cache's alone.
  @StatementBuilder
  private var takeFromUsers: [Statement] {
    Step(Self.unmaps) {
      Each(Page.self) { p in When(range.contains(p)) { userPTE[p] <- false } }
    }
    .because("also when the conversion fails later: they fault again", "guest-memfd §2.2")
    ForEach(Page.self, where: { p in range.contains(p) }) { p in
      Step(Self.looksAtFolio) {
        Check(!userPTE[p] && pinned != p, else: .EAGAIN)
          .because("mapped again, or maybe pinned for DMA", "guest-memfd §2.2")
        drains
      }
      Step(Self.counts) {
        Check(!userPTE[p] && pinned != p && !faulting[p] && held != p && !batched[p], else: .EAGAIN)
          .because("somebody else holds the folio; error_offset names it", "guest-memfd §2.2")
      }
    }
    Step(Self.letsGo) {}
  }

  /// The LRU batches of all CPUs. Once is enough: no folio is new while invalidate_lock is held.
  @StatementBuilder private var drains: [Statement] { Each(Page.self) { q in batched[q] <- false } }

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
