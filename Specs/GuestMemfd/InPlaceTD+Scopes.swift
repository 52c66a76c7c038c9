import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension InPlaceTD {
  private static let one = ["vcpus": 1, "pages": 1, "files": 1, "threads": 2]
  private static let guestCalls = ["KVM_RUN", KVMState.preFaultName, sharedFaultName]
  private static let fileCalls = [
    PageSharing.convertName, punchName, closeName, KVMState.slotDeleteName, KVMState.destroyName,
  ]

  /// - Parameter ending: the call that releases the HKID.
  static func scopes(ending: String) -> [Scope] {
    [
      Scope("small", "one of everything, two threads", one),
      Scope(
        "gated", "the same, and conversions look at vm_dead",
        one.merging(["GATE": 1, "LRU_BATCHES": 0]) { $1 }),
      Scope(
        "large",
        "two pages of a file that one S-EPT leaf maps, and references to them; one thread converts "
          + "and ends, one is the guest, nobody maps the file",
        [
          "vcpus": 1, "pages": 2, "files": 1, "threads": 2, "LEVEL": 1, "LRU_BATCHES": 0,
          "HOLDERS": 1,
        ],
        parts: [
          ThreadPart("host", calls: fileCalls + [ending]),
          ThreadPart("guest", calls: ["KVM_RUN", KVMState.preFaultName]),
        ]),
      Scope(
        "poison", "one of everything; memory fails",
        one.merging(["POISON": 1, "LRU_BATCHES": 0]) { $1 }),
    ]
  }

  /// From KVM_CREATE_VM: one thread builds the TD and runs it, one uses the file meanwhile.
  static let buildScopes = [
    Scope(
      "build", "one of everything, from KVM_CREATE_VM; one thread builds, one converts",
      one.merging(["CREATED": 0, "LRU_BATCHES": 0]) { $1 }, parts: buildParts),
    Scope(
      "build-safe", "the same, with a KVM_TDX_FINALIZE_VM that keeps removals out",
      one.merging(["CREATED": 0, "LRU_BATCHES": 0, "FINALIZE": 1]) { $1 }, parts: buildParts),
  ]

  private static let buildParts = [
    ThreadPart("builder", calls: KVMState.buildingCalls + guestCalls),
    ThreadPart("user", calls: fileCalls + ["mmap", "munmap", PageSharing.touchName]),
  ]
}
