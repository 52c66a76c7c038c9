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

extension PageSharing {
  /// KVM_SET_MEMORY_ATTRIBUTES2 on a guest_memfd descriptor: the whole range or nothing
  /// (guest-memfd §2.2). Neither the mm nor vm_dead is looked at.
  ///
  /// - Parameters:
  ///   - admits: what a design looks at under invalidate_lock before anything else.
  ///   - toPrivate: what takes shared pages from the guest and stores the attribute; user space
  ///     has let go of the range.
  ///   - toShared: what takes private pages from the guest and stores the attribute.
  func convert(
    admits: [Statement] = [], toPrivate: [Statement], toShared: [Statement]
  ) -> Action {
    Action(
      Self.convertName, taking: [f, range, target, flaw, noMemory], by: HostThread.self,
      cites: "guest-memfd §2.2"
    ) {
      Step("the call") {
        Require(files.state[f] == .open && isRange)
        Require(arguments == 1 || flaw == .none && !noMemory)
      }
      Holding(files.fdget[f], .shared) {
        Step("the arguments") {
          Check(files.state[f] == .open, else: .EBADF).because("fdget", "guest-memfd §1.4")
          Check(enabled == 1, else: .ENOTTY)
            .because("kvm.gmem_in_place_conversion is off", "guest-memfd I-ENOTTY")
          Check(flaw != .badPointer, else: .EFAULT)
          Check(flaw != .invalid, else: .EINVAL)
            .because("flags, reserved words, attributes, size, alignment, end")
        }
        Holding(files.invalidateLock(f.element)) {
          admits
          isAnythingToDo
          Step(Self.preallocates) {
            Check(!noMemory, else: .ENOMEM).because("nothing has changed", "guest-memfd §2.2")
          }
          When(target == .private) {
            takeFromUsers
            toPrivate
          } else: {
            toShared
          }
        }
      }
    }
  }

  private var isAnythingToDo: Statement {
    Step("is there anything to do?") {
      Check(
        exists(Page.self) { p in range.contains(p) && attribute[p] != target }, else: .ok
      )
      .because("no invalidation, mmu_invalidate_seq stays", "guest-memfd §2.2")
    }
  }

  @StatementBuilder func storesAttribute(_ target: Share) -> [Statement] {
    Each(Page.self) { p in When(range.contains(p)) { attribute[p] <- target } }
  }

  /// Some pages of the file and of no other.
  private var isRange: Condition {
    exists(Page.self) { p in range.contains(p) }
      && forAll(Page.self) { p in range.contains(p) ==> files.of[p] == f }
  }

  func changes(_ p: Expr<Page>, to target: Share) -> Condition {
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
      Step(Self.counts) { isNobodyElses(p) }
    }
    Step(Self.letsGo) {}
  }

  func isNobodyElses(_ p: Expr<Page>) -> Statement {
    Check(!userPTE[p] && pinned != p && !faulting[p] && held != p && !batched[p], else: .EAGAIN)
      .because("somebody else holds the folio; error_offset names it", "guest-memfd §2.2")
  }

  /// The LRU batches of all CPUs. Once is enough: no folio is new while invalidate_lock is held.
  @StatementBuilder private var drains: [Statement] { Each(Page.self) { q in batched[q] <- false } }
}
