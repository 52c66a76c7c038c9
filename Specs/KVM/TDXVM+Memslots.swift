import SpecLanguage
import TDXModuleSpecs

private let slot = NamedArgument<MemSlot>("slot")
private let flags = NamedArgument<RegionFlags>("flags")
private let size = NamedArgument<RegionSize>("size")
private let backing = NamedArgument<Backing>("backing")
private let shift = NamedArgument<Shift>("offset")
private let unmapped = NamedArgument<SetOf<Page>>("hva_unmapped")
private let toPrivate = NamedArgument<Bool>("private")

extension TDXVM {
  /// KVM_SET_USER_MEMORY_REGION2 and its first version (kvm-tdx §2.6).
  var setMemoryRegion: Action {
    Action(
      "KVM_SET_USER_MEMORY_REGION2",
      taking: [caller, shape, slot, flags, size, range, bits, f, backing, shift, unmapped],
      by: HostThread.self, cites: "kvm-tdx §2.6"
    ) {
      vmGate(
        trying: arguments == 1 && (size != .same || module.standIn == 1)
          || bits == .low && shape == .fine && size.in(.zero, .some)
            && flags.in(.none, .guestMemfd) && backing == .file
      )
      Step("what is looked at without locks") {
        Check(shape == .fine, else: .EINVAL)
          .because("flags of the first version, or the slot's number", "kvm-tdx §2.6")
      }
      Holding(slotsLock) {
        Step("kvm_set_memory_region") {
          Check(flags != .refused && (flags != .readOnly || kind != .td), else: .EINVAL)
            .because("a TD has no READONLY slots, a memfd no dirty log", "kvm-tdx §2.6")
          Check(size != .malformed, else: .EINVAL)
            .because("alignment, wrap, address space, too many pages", "kvm-tdx §2.6")
          Check(size != .zero || slotUsed[slot], else: .EINVAL)
            .because("there is nothing to delete", "kvm-tdx §2.6")
          Check(size == .zero || !slotUsed[slot] || isModified, else: .EINVAL)
            .because(
              "a slot with a memfd can only be deleted, of others flags and GPA change",
              "kvm-tdx §2.6")
          Check(
            size == .zero
              || forAll(Page.self) { p in
                slotOf[p] == nil || size != .malformed && slotOf[p] == slot.element
                  || !range.contains(p)
              },
            else: .EEXIST
          ).because("it overlaps another slot", "kvm-tdx §2.6")
        }
        When(size == .zero) {
          deleteSlot
        } else: {
          When(slotUsed[slot]) { moves }
          createSlot
        }
      }
    }
  }

  /// The call keeps what cannot change of a slot, and neither has a memfd.
  private var isModified: Condition {
    (size == .same || module.standIn == 0 && size == .some && isRepeated)
      && flags != .guestMemfd
      && !exists(File.self) { g in bindings[g].contains(slot.element) }
      && !exists(Page.self) { p in slotOf[p] == slot.element && fileOf[p] != nil }
  }

  /// The call asks for what the slot is. Recorded calls say so themselves, by ``RegionSize/same``.
  private var isRepeated: Condition {
    flags == .none
      && forAll(Page.self) { p in
        (slotOf[p] == slot.element) == range.contains(p)
          && (range.contains(p) ==> (unbacked[p] == unmapped.contains(p)))
      }
  }

  /// A slot at another GPA: its pages leave the old one. At the same nothing changes.
  @StatementBuilder
  private var moves: [Statement] {
    Step("leaves its GPAs") {
      Check(bits != .beyond && !isShared, else: .EINVAL)
        .because("too high, or an alias of private GPAs", "kvm-tdx §2.6")
      Each(Page.self) { p in
        When(slotOf[p] == slot.element && !range.contains(p)) {
          slotOf[p] <- nil
          unbacked[p] <- false
        }
      }
    }
  }

  @StatementBuilder
  private var deleteSlot: [Statement] {
    allocates()
    Step("marks the slot INVALID") { deleting <- slot }
    Step("synchronize_srcu") { Require(!holding(srcu, .shared)) }
    zap { p in slotOf[p] == slot.element }
    Step("kvm_gmem_unbind") { unbind(dying: Condition(.yes)) }
    Step("the slot is gone") {
      Require(!holding(srcu, .shared)).because("synchronize_srcu", "kvm-tdx §2.6")
      deleting <- nil
      When(exists(File.self) { g in bindings[g].contains(slot.element) }) { freedBound <- true }
      slotUsed[slot] <- false
      Each(Page.self) { p in
        When(slotOf[p] == slot.element) {
          slotOf[p] <- nil
          fileOf[p] <- nil
          indexOf[p] <- nil
          unbacked[p] <- false
        }
      }
    }
  }

  /// The slot leaves the bindings of its memfd.
  ///
  /// - Parameter dying: whether a memfd counts whose last reference is gone.
  @StatementBuilder
  func unbind(dying: Condition) -> [Statement] {
    Each(File.self) { g in
      When(dying || !isDying(g)) { bindings[g] <- bindings[g].removing(slot.element) }
    }
  }

  /// B-2: a memfd whose last reference is gone keeps its binding.
  @ListBuilder<Edit>
  var unbindsOnlyLiving: [Edit] {
    Replacing(step: "kvm_gmem_unbind") {
      Step("kvm_gmem_unbind") { unbind(dying: Condition(.no)) }
    }
  }

  @StatementBuilder
  private var createSlot: [Statement] {
    When(flags == .guestMemfd) {
      Step("kvm_gmem_bind") {
        Check(backing != .notOpen && (backing != .file || gmem[f] == .open), else: .EBADF)
          .because("the descriptor is not open", "kvm-tdx §2.6")
        Check(backing == .file, else: .EINVAL)
          .because("no memfd of this VM, or too small", "kvm-tdx §2.6")
        Check(
          forAll(Page.self) { p in
            fileOf[p] != f
              || forAll(Page.self) { q in
                !range.contains(q) || indexOf[p] != index(of: q)
              }
          }, else: .EEXIST
        ).because("some of the file is bound to another slot", "kvm-tdx §2.6")
      }
    }
    Step("kvm_arch_prepare_memory_region") {
      Check(bits != .beyond && !isShared, else: .EINVAL)
        .because("too high, or an alias of private GPAs", "kvm-tdx §2.6")
    }
    allocates()
    When(flags == .guestMemfd) {
      Step("stores the binding") { bindings[f] <- bindings[f].inserting(slot.element) }
    }
    Step("the slot is active") {
      slotUsed[slot] <- true
      Each(Page.self) { p in
        When(range.contains(p)) {
          slotOf[p] <- slot.element
          unbacked[p] <- unmapped.contains(p)
          When(flags == .guestMemfd) {
            fileOf[p] <- f.element
            indexOf[p] <- index(of: p)
          }
        }
      }
    }
  }

  /// The interval of the file that backs an interval of the new slot.
  private func index(of p: Expr<Page>) -> Expr<FileIndex?> {
    Expr(.some(.subtract(.add(p.node, shift.node), bias.node)))
  }

  /// KVM_SET_MEMORY_ATTRIBUTES (kvm-tdx §2.7).
  var setAttributes: Action {
    Action(
      "KVM_SET_MEMORY_ATTRIBUTES", taking: [caller, shape, range, toPrivate],
      by: HostThread.self, cites: "kvm-tdx §2.7"
    ) {
      vmGate(trying: arguments == 1 || shape == .fine)
      Step("the arguments") {
        Check(shape == .fine, else: .EINVAL)
          .because("flags, attributes, size, alignment", "kvm-tdx §2.7")
        Check(!toPrivate || kind != .ordinary, else: .EINVAL)
          .because("only a VM with private memory has the attribute", "kvm-tdx §2.7")
      }
      Holding(slotsLock) {
        allocates()
        When(toPrivate) {
          Step("stores the attributes") {
            Each(Page.self) { p in When(range.contains(p)) { isPrivate[p] <- true } }
          }
        } else: {
          invalidate(
            { p in range.contains(p) && isPrivate[p] },
            change: Statements {
              Step("stores the attributes") {
                Each(Page.self) { p in When(range.contains(p)) { isPrivate[p] <- false } }
              }
            })
        }
      }
    }
  }
}
