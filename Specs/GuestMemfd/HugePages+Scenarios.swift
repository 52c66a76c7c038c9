import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// The scenarios of seed 003, as calls of one thread (guest-memfd §3).
extension HugePages {
  private var isSNP: Condition { file.protection == HostProtection.snp }
  private var isShared: Condition { file.initShared == 1 }

  /// Whether the block is whole again after all of it has turned private.
  private var staysSplit: Condition { file.policy != MergePolicy.early }

  private static let noEntry = "the RMP has no entries of 1 GiB (guest-memfd §5.2)"
  private static let noGuest = "no thread runs a vCPU"
  private static let noUser = "user space touches nothing"
  private static let noMemslots = "no thread changes memslots"
  private static let startsShared = "the file starts shared, so that its block is split"

  @ListBuilder<Property> var scenarios: [Property] {
    Scenario(
      "S3-1", "scenario 1: a block that is allocated while it is private is not split",
      cites: "guest-memfd S3-1"
    ) {
      Do(HugePageFile.allocateName, 0, answers: .ok)
      Do(HugePageFile.runName(.private), 0, 0, answers: .mappedHuge)
    }
    .expect(.violated, when: isSNP, because: Self.noEntry)
    .expect(.violated, unlessMade: [HugePageFile.runName(.private)], because: Self.noGuest)
    .expect(.violated, when: isShared, because: Self.startsShared)
    Scenario(
      "S3-2", "scenario 2: a prefault of a private block maps all of it",
      cites: "guest-memfd S3-2"
    ) { Do(HugePageFile.runName(.private), 0, 0, answers: .mappedHuge) }
    .expect(.violated, when: isSNP, because: Self.noEntry)
    .expect(.violated, unlessMade: [HugePageFile.runName(.private)], because: Self.noGuest)
    .expect(.violated, when: isShared, because: Self.startsShared)
    Scenario(
      "S3-3", "scenario 3: a block is written by user space, turns private and is whole",
      cites: "guest-memfd S3-3", "guest-memfd S3-7"
    ) {
      Do(HugePageFile.convertName, 0, 2, 1, answers: .ok)
      Do(HugePageFile.touchName, 0, answers: .ok)
      Do(HugePageFile.convertName, 0, 4, 0, answers: .ok)
      Do(HugePageFile.runName(.private), 0, 0, answers: .mappedHuge)
    }
    .expect(.violated, when: isSNP, because: Self.noEntry)
    .expect(.violated, when: staysSplit, because: "the block stays split (guest-memfd S3-8)")
    .expect(.violated, when: file.users == 0, because: Self.noUser)
    .expect(.violated, unlessMade: [HugePageFile.runName(.private)], because: Self.noGuest)
    reboot
    Scenario(
      "S3-9", "a block that the guest maps is mapped whole again after a page was shared",
      cites: "guest-memfd S3-9", "guest-memfd §5.1", "guest-memfd §5.2"
    ) {
      Do(HugePageFile.runName(.private), 0, 0, answers: .mappedHuge)
      Do(HugePageFile.convertName, 0, 0, 1, answers: .ok)
      Do(HugePageFile.convertName, 0, 0, 0, answers: .ok)
      Do(HugePageFile.runName(.private), 0, 0, answers: .mappedHuge)
    }
    .expect(.violated, when: staysSplit, because: "the block stays split (guest-memfd S3-9)")
    .expect(.violated, unlessMade: [HugePageFile.runName(.private)], because: Self.noGuest)
    .expect(.violated, when: isSNP, because: Self.noEntry)
    .expect(.violated, when: isShared, because: Self.startsShared)
    .expect(
      .violated, when: file.protection == HostProtection.tdx,
      because: "the small S-EPT entries of the other pages stay, KVM does not promote")
    Scenario(
      "G-PIN", "a pinned page stays shared, and turns private once it is unpinned",
      cites: "guest-memfd §8.6"
    ) {
      Do(HugePageFile.convertName, 0, 2, 1, answers: .ok)
      Do(HugePageFile.touchName, 0, answers: .ok)
      Do("pin_user_pages", 0, answers: .ok)
      Do(HugePageFile.convertName, 0, 2, 0, answers: .EAGAIN)
      Do("unpin_user_page", answers: .ok)
      Do(HugePageFile.convertName, 0, 2, 0, answers: .ok)
      Do(HugePageFile.touchName, 0, answers: .SIGBUS)
    }
    .expect(.violated, when: file.pins == 0, because: "nobody pins")
  }

  /// A guest has shared a page; its memslot goes, all turns private, a memslot is made.
  @ListBuilder<Property> private var reboot: [Property] {
    let how: [(String, String, Condition, ScenarioCall?)] = [
      (
        "S3-26", "is as new after a reboot",
        file.policy != MergePolicy.early && file.policy != MergePolicy.reboot, nil
      ),
      (
        "S3-27", "is merged when user space asks for it", file.policy != MergePolicy.demand,
        Do(HugePageFile.mergeName, 0, answers: .ok)
      ),
      (
        "S3-26-worker", "is merged by a worker", file.policy != MergePolicy.deferred,
        Do(HugePageFile.workerName, 0, answers: .ok)
      ),
    ]
    how.map { id, text, otherPolicy, merge in
      Scenario(id, "a file that is used again \(text)", cites: "guest-memfd S3-26") {
        Do(HugePageFile.convertName, 0, 0, 1, answers: .ok)
        Do(HugePageFile.touchName, 0, answers: .ok)
        Do(HugePageFile.deleteName, answers: .ok)
        Do(HugePageFile.convertName, 0, 4, 0, answers: .ok)
        merge.map { [$0] } ?? []
        Do(HugePageFile.bindName, answers: .ok)
        Do(HugePageFile.runName(.private), 0, 0, answers: .mappedHuge)
      }
      .expect(.violated, when: otherPolicy, because: "another policy")
      .expect(.violated, unlessMade: [HugePageFile.bindName], because: Self.noMemslots)
      .expect(.violated, when: isSNP, because: Self.noEntry)
    }
  }
}
