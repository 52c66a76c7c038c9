import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

private let flags = NamedArgument<SlotFlags>("flags")
private let backing = NamedArgument<Backing>("backing")
private let shift = NamedArgument<Shift>("offset")
private let host = NamedArgument<HostRange>("hva")
private let missing = NamedArgument<SetOf<Page>>("hva_unmapped")
private let halting = NamedArgument<SetOf<Page>>("hva_halts")
private let tooHigh = NamedArgument<Bool>("beyond_max_gfn")

extension GmemMainline {
  /// KVM_SET_USER_MEMORY_REGION2, or its first version, with a size (guest-memfd §1.4).
  ///
  /// Memslots of the second address space are not in this spec.
  var setRegion: Action {
    let isThere = Local<Bool>("the memslot is there")
    return Action(
      "KVM_SET_USER_MEMORY_REGION2",
      taking: [
        caller, shape, s, flags, range, f, backing, shift, host, tooHigh,
      ], by: HostThread.self, cites: "guest-memfd §1.4"
    ) {
      vmGate(trying: arguments == 1 || isPlain)
      Holding(slotsLock) {
        Step("kvm_set_memory_region") {
          Check(shape == .fine && flags != .refused, else: .EINVAL)
            .because("flags, alignment, wraps, too many pages, the number", "guest-memfd §1.4")
          Check(
            flags != .guestMemfd || has(.anyVMBinds) || hasPrivateMemory, else: .EINVAL
          ).because("the VM type has no such memslots", "guest-memfd §1.8")
          isThere <- slot[s] == .active
        }
        When(isThere) {
          modifies
        } else: {
          Step("kvm_check_memslot_overlap") {
            Check(
              forAll(MemSlot.self) { other in
                slot[other] != .active
                  || forAll(Page.self) { p in !gfns[other].contains(p) || !range.contains(p) }
              }, else: .EEXIST
            ).because("it overlaps another memslot", "guest-memfd §1.4")
          }
          When(flags == .guestMemfd) {
            binds
          } else: {
            createsHostSlot
          }
        }
      }
    }
  }

  /// What the userspace_addr and the file range of the next KVM_SET_USER_MEMORY_REGION2 name:
  /// pages without memory, pages that hold HLT, indices.
  var names: Action {
    Action(
      "what the next memslot names", taking: [missing, halting, extent], cites: "guest-memfd §1.4"
    ) {
      Require(environment == 1)
      namedMissing <- Expr<SetOf<Page>>(missing.node)
      namedHalting <- Expr<SetOf<Page>>(halting.node)
      namedExtent <- Expr<SetOf<FileIndex>>(extent.node)
    }
  }

  /// The arguments that scopes without ARGUMENTS try: one page or more of a file, at its place.
  private var isPlain: Condition {
    shape == .fine && flags == .guestMemfd && backing == .file && !tooHigh
      && slot[s] == .absent && gmem[f] == .open
      && exists(Page.self) { p in range.contains(p) } && (whole == 0 || range == .all)
      && forAll(Page.self) { p in
        !range.contains(p) || exists(FileIndex.self) { i in liesAt(i, p) }
      }
  }

  /// The index is one of the range's; recorded calls may name a range that no page lies at.
  private func isNamed(_ i: Expr<FileIndex>) -> Condition {
    environment == 1 && namedExtent.contains(i)
      || environment == 0 && exists(Page.self) { p in range.contains(p) && liesAt(i, p) }
  }

  /// The offset puts the page at the index.
  private func liesAt(_ i: Expr<FileIndex>, _ p: Expr<Page>) -> Condition {
    Condition(.equal(.add(i.node, bias.node), .add(p.node, shift.node)))
  }

  /// A memslot that is there: one with a memfd can only be deleted (guest-memfd §1.4).
  @StatementBuilder
  private var modifies: [Statement] {
    Step("the memslot is there") {
      Check(flags != .guestMemfd && slotKind[s] == .host, else: .EINVAL)
        .because("a memslot with a memfd can only be deleted", "guest-memfd §1.4")
      Check(
        hostRange[s] == host && readOnly[s] == flags.in(.readOnly, .readOnlyDirtyLog),
        else: .EINVAL
      ).because("another userspace_addr or size, or READONLY flips", "guest-memfd §1.4")
      Check(
        forAll(MemSlot.self) { other in
          slot[other] != .active || Condition(.equal(other.node, s.node))
            || forAll(Page.self) { p in !gfns[other].contains(p) || !range.contains(p) }
        }, else: .EEXIST
      ).because("it moves onto another memslot", "guest-memfd §1.4")
      Check(!tooHigh, else: .EINVAL).because("it moves above the highest gfn", "guest-memfd §1.4")
      Each(Page.self) { p in
        When(gfns[s].contains(p) && !range.contains(p)) { spte[p] <- .none }
      }
      hasMemory
      gfns[s] <- Expr<SetOf<Page>>(range.node)
      logsDirty[s] <- flags.in(.dirtyLog, .readOnlyDirtyLog)
    }
  }

  @StatementBuilder
  private var createsHostSlot: [Statement] {
    Step("the memslot is active") {
      Check(!tooHigh, else: .EINVAL).because("above the highest gfn", "guest-memfd §1.4")
      slot[s] <- .active
      slotKind[s] <- .host
      gfns[s] <- Expr<SetOf<Page>>(range.node)
      hostRange[s] <- Expr<HostRange>(host.node)
      readOnly[s] <- flags.in(.readOnly, .readOnlyDirtyLog)
      logsDirty[s] <- flags.in(.dirtyLog, .readOnlyDirtyLog)
      hasMemory
    }
  }

  /// What userspace_addr names, page by page.
  private var hasMemory: Statement {
    Each(Page.self) { p in
      When(range.contains(p)) {
        unbacked[p] <- namedMissing.contains(p)
        halts[p] <- namedHalting.contains(p)
      }
    }
  }

  /// kvm_gmem_bind, then what can still fail, then the memslot is seen (guest-memfd §1.4).
  @StatementBuilder
  private var binds: [Statement] {
    let taken = Local<Bool>("some index is bound")
    Step("kvm_gmem_bind: the descriptor") {
      Check(backing != .notOpen && (backing != .file || gmem[f] == .open), else: .EBADF)
        .because("not open, or opened with O_PATH", "guest-memfd §1.4")
      Check(backing == .file, else: .EINVAL)
        .because("no memfd of this VM, or its end is passed", "guest-memfd §1.4")
      Acquire(fdget[f], .shared)
    }
    Holding(invalidateLock[f], .write) {
      Step(bindsName) {
        taken <- exists(FileIndex.self) { i in isNamed(i) && bindings[f, i] != nil }
        When(!exists(FileIndex.self) { i in isNamed(i) && bindings[f, i] != nil }) {
          intoBindings
        }
      }
    }
    Step("fput") { Release(fdget[f], .shared) }
      .because("the memslot holds no reference", "guest-memfd I-WEAK")
    When(taken) {
      When(has(.overlapExists)) { Return(.EEXIST) }
      Return(.EINVAL)
    }
    When(tooHigh) {
      Holding(invalidateLock[f], .write) {
        Step("kvm_gmem_unbind, since the architecture refused") {
          Each(FileIndex.self) { i in When(bindings[f, i] == s) { bindings[f, i] <- nil } }
          forgets
        }
      }
      Return(.EINVAL)
    }
    Step("the memslot is active") {
      slot[s] <- .active
      hostRange[s] <- Expr<HostRange>(host.node)
      hasMemory
    }
  }

  var bindsName: String { "kvm_gmem_bind: into the bindings" }

  /// KVM does not see the memslot yet (guest-memfd B7).
  @StatementBuilder
  var intoBindings: [Statement] {
    slot[s] <- .bound
    slotKind[s] <- choose(canMap[f], .gmemOnly, else: .gmem)
    slotFile[s] <- f.element
    pgoff[s] <- Expr<Int>(shift.node)
    gfns[s] <- Expr<SetOf<Page>>(range.node)
    Each(FileIndex.self) { i in When(isNamed(i)) { bindings[f, i] <- s.element } }
  }

  /// The memslot is as if it had never been.
  @StatementBuilder
  var forgets: [Statement] {
    Each(Page.self) { p in
      When(gfns[s].contains(p)) {
        unbacked[p] <- false
        halts[p] <- false
      }
    }
    slot[s] <- .absent
    slotKind[s] <- .host
    slotFile[s] <- nil
    pgoff[s] <- 0
    gfns[s] <- .empty
    hostRange[s] <- nil
    readOnly[s] <- false
    logsDirty[s] <- false
  }

  static let deleteName = "KVM_SET_USER_MEMORY_REGION2(delete)"

  /// KVM_SET_USER_MEMORY_REGION2, or its first version, with size 0 (guest-memfd §1.4).
  var deleteRegion: Action {
    let bound = Local<File?>("gmem.file")
    let isDying = Local<Bool>("the file is dying")
    return Action(
      Self.deleteName, taking: [caller, shape, s], by: HostThread.self, cites: "guest-memfd §1.4"
    ) {
      vmGate(trying: arguments == 1 || shape == .fine && slot[s] == .active)
      Holding(slotsLock) {
        Step("kvm_set_memory_region") {
          Check(shape == .fine, else: .EINVAL)
            .because("alignment and flags are looked at all the same", "guest-memfd §1.4")
          Check(slot[s] == .active, else: .EINVAL)
            .because("there is nothing to delete", "guest-memfd §1.4")
        }
        Step("marks the memslot INVALID") { slot[s] <- .invalid }
        Step("synchronize_srcu") { Require(!holding(srcu, .shared)) }
        Holding(mmuLock, .write) {
          Step("kvm_arch_flush_shadow_memslot") {
            Each(Page.self) { p in When(gfns[s].contains(p)) { spte[p] <- .none } }
          }
        }
        Step("kvm_gmem_unbind: is there a file?") {
          bound <- slotFile[s]
          isDying <- exists(File.self) { g in slotFile[s] == g && life[g] == .dying }
        }
        When(bound != nil && isDying) {
          Step("unbinds a file that is dying") {
            unbinds
          }
          .because("without invalidate_lock up to 7.3", "guest-memfd B3")
        }
        When(bound != nil && !isDying) {
          Holding(invalidateLock[bound.value()], .write) {
            Step("unbinds") { unbinds }
          }
        }
        Step("the memslot is gone") { forgets }
      }
    }
  }

  @StatementBuilder
  private var unbinds: [Statement] {
    Each(File.self) { g in
      Each(FileIndex.self) { i in When(bindings[g, i] == s) { bindings[g, i] <- nil } }
    }
    slotFile[s] <- nil
  }
}
