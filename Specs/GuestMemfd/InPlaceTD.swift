import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// A TD whose memory is guest_memfd files with in-place conversion: KVM and the TDX module as in
/// the designs of teardown, user space and conversion as in `gmem/in-place` (guest-memfd §2.2,
/// §5.1).
///
/// A conversion to shared removes the pages from the TD by SEAMCALLs; a conversion to private calls
/// no SEAMCALL, the guest's next fault adds the page (TDH.MEM.PAGE.AUG). The pages of a memslot and
/// its attributes are those of its file. Left out: what `gmem/in-place` says of binding memslots.
struct InPlaceTD: SpecPart {
  let level = Parameter(
    "LEVEL", 0...1, default: 0,
    "1: the TD starts with each file mapped by one S-EPT leaf of 2 MiB (a series, not in 7.4)")
  let gate = Parameter(
    "GATE", 0...1, default: 0, "1: a conversion looks at vm_dead; not in the queue for 7.4")
  let poison = Parameter("POISON", 0...1, default: 0, "1: memory fails")

  let kvm: KVMState
  let sharing: PageSharing
  /// The page's SPTE in the direct root: the guest maps it as shared.
  let direct = Map(Page.self, false, as: "shared_spte")
  /// The guest has accepted the page since it was added to the TD: its contents are there.
  let accepted = Map(Page.self, RunnableTD.created == 1, as: "accepted")
  let large: Map<File, Bool>
  let poisoned = Map(Page.self, false, as: "hwpoison")
  /// kvm_destroy_vm has begun.
  let destroying = Var(false)

  /// Something that a failure could not take back has happened since a conversion of the file
  /// looked at vm_dead.
  let begun = Ghost(SetOf<File>.empty)
  /// Pages whose contents have gone since then.
  let taken = Ghost(SetOf<Page>.empty)
  /// Files whose conversion found the VM dead.
  let late = Ghost(SetOf<File>.empty)

  let withoutHKID: KVMState.WithoutHKID

  /// - Parameters:
  ///   - extra: ioctls that the design of teardown adds.
  ///   - deadVM: what kvm->vm_dead means in it.
  ///   - withoutHKID: what a removal does when the HKID is gone.
  init(extra: [String], deadVM: KVMState.DeadVM, withoutHKID: KVMState.WithoutHKID) {
    let users = PageUsers()
    let large = Map(File.self, level == 1 && RunnableTD.created == 1, as: "mapped_2M")
    let (direct, accepted, poisoned) = (direct, accepted, poisoned)
    let (begun, taken) = (begun, taken)
    let kvm = KVMState(
      extra: [Self.sharedFaultName] + extra, deadVM: deadVM,
      sharing: KVMState.SharingHooks(
        isPrivate: { p in users.attribute[p] == .private },
        keeps: { f in Condition(users.mapped[f].node) },
        unmaps: { p in Statements { direct[p] <- false } },
        truncates: { p in
          Statements {
            Require(!holding(users.folioLock[p])).because("the folio is locked meanwhile")
            users.leavesFile(p)
            poisoned[p] <- false
          }
        },
        leaveTD: { which in
          Statements {
            Each(Page.self) { p in When(which(p)) { accepted[p] <- false } }
            taken <- those(Page.self) { p in taken.contains(p) || which(p) }
          }
        },
        splits: { f in Statements { begun <- begun.inserting(f) } }, large: large))
    self.kvm = kvm
    self.large = large
    self.withoutHKID = withoutHKID
    sharing = PageSharing(
      users, cached: kvm.folio,
      PageSharing.Files(
        of: kvm.fileOf, state: kvm.gmem, fdget: kvm.fdget,
        invalidateLock: { f in kvm.invalidateLock[f] }, faultsShareLock: false,
        isPoisoned: { p in Condition(poisoned[p].node) }))
  }

  @ListBuilder<Action> var actions: [Action] {
    convert
    sharing.touch
    sharing.pin
    sharing.unpin
    sharing.takeReference
    sharing.dropReference
    sharing.mmap
    sharing.munmap
    kvm.run()
    privateFault
    sharedFault
    accept
    memoryFailure
    kvm.gmemClose(withoutHKID: withoutHKID)
    kvm.punchHole(withoutHKID: withoutHKID)
    kvm.slotDelete(withoutHKID: withoutHKID, atGate: [], atSuccess: [])
    kvm.closeVM
  }

  static let closeName = "close(guest_memfd)"
  static let closeVMName = "close(VM and vCPU descriptors)"
  static let punchName = "fallocate(PUNCH_HOLE)"
}
