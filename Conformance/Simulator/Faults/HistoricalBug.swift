/// A bug that KVM or guest_memfd had, with the fault that brings it back.
public struct HistoricalBug: Hashable, Sendable {
  /// As `kvm-tdx §6.1` and `guest-memfd §6` number them.
  public let name: String
  /// What it was, or why the simulator cannot have it.
  public let text: String
  /// Nil where the simulator has nothing that could be wrong so.
  public let fault: Fault?

  private init(_ name: String, _ text: String, _ fault: Fault?) {
    self.name = name
    self.text = text
    self.fault = fault
  }

  private init(_ name: String, not reason: String) {
    self.init(name, "not here: \(reason)", nil)
  }

  public static let all: [HistoricalBug] = ofKVM + ofGuestMemory

  private static let ofKVM: [HistoricalBug] = [
    HistoricalBug("kvm-tdx B-1", not: "no step of CREATE_VCPU fails after the vCPU is listed"),
    HistoricalBug(
      "kvm-tdx B-2", "a deleted slot stays bound to its memfd",
      Fault("KVM_SET_USER_MEMORY_REGION2", .missingEffect, "unbind")),
    HistoricalBug("kvm-tdx B-3", not: "the roots of page tables never become obsolete"),
    HistoricalBug(
      "kvm-tdx B-4", "VP.INIT meets removals of pages",
      Fault("KVM_TDX_INIT_VCPU", .lockNotTaken, "mmu_lock")),
    HistoricalBug(
      "kvm-tdx B-5", "changes of the TD's state do not exclude calls on other vCPUs",
      Fault("KVM_TDX_FINALIZE_VM", .lockNotTaken, "vcpu->mutex")),
    HistoricalBug(
      "kvm-tdx B-6", "a vCPU is made in a dead VM",
      Fault("KVM_CREATE_VCPU", .missingCheck, "vm_dead")),
    HistoricalBug(
      "kvm-tdx B-7", "a page is in the TD and not in KVM's own table",
      Fault("KVM_TDX_INIT_MEM_REGION", .missingEffect, "mirror")),
    HistoricalBug(
      "kvm-tdx B-8", "a page that could not be measured stays, and the VM lives",
      Fault("KVM_TDX_INIT_MEM_REGION", .missingEffect, "extend bug")),
    HistoricalBug("kvm-tdx B-9", not: "no vCPU is loaded when a VM is destroyed"),
    HistoricalBug(
      "kvm-tdx B-10", "two removals of pages track at once",
      Fault("fallocate", .lockWeakened, "mmu_lock")),
    HistoricalBug("kvm-tdx B-11", not: "every call that loads a vCPU lists it"),
    HistoricalBug(
      "kvm-tdx B-12", "control pages are given back twice",
      Fault("KVM_TDX_INIT_VM", .missingEffect, "tdcs")),
    HistoricalBug("kvm-tdx B-13", not: "there is no mmap_lock"),
    HistoricalBug("kvm-tdx B-14", not: "no kernel starts another"),
    HistoricalBug("kvm-tdx B-15", not: "pages are not pinned, as since 6.19"),
    HistoricalBug(
      "kvm-tdx B-16", "memory is mapped through a slot that is not bound",
      Fault("KVM_SET_USER_MEMORY_REGION2", .missingEffect, "binding")),
    HistoricalBug(
      "kvm-tdx B-17", "a slot is unbound while others walk the bindings",
      Fault("KVM_SET_USER_MEMORY_REGION2", .lockNotTaken, "invalidate_lock")),
    HistoricalBug(
      "kvm-tdx B-18", "a size of INIT_MEM_REGION is lost when shifted (7.3 has it)",
      Fault("KVM_TDX_INIT_MEM_REGION", .missingCheck, "size")),
    HistoricalBug("kvm-tdx B-19 to B-21", not: "they are in series that were not merged"),
    HistoricalBug(
      "kvm-tdx B-22", "reserved flags are not checked",
      Fault("KVM_TDX_INIT_VM", .missingCheck, "flags")),
    HistoricalBug(
      "kvm-tdx B-23", "a fault maps a page while its attribute changes",
      Fault("KVM_SET_MEMORY_ATTRIBUTES", .missingEffect, "invalidate_begin")),
  ]

  private static let ofGuestMemory: [HistoricalBug] = [
    HistoricalBug("guest-memfd B1", not: "allocations do not fail"),
    HistoricalBug("guest-memfd B2, B3, B8", not: "listed above as kvm-tdx B-2, B-17 and B-16"),
    HistoricalBug(
      "guest-memfd B4", "overlapping bindings are refused with another errno",
      Fault("KVM_SET_USER_MEMORY_REGION2", .wrongAnswer, "memfd overlap")),
    HistoricalBug("guest-memfd B5", not: "memory has no nodes"),
    HistoricalBug("guest-memfd B6, B13, B15", not: "there is no SEV"),
    HistoricalBug("guest-memfd B7", not: "a slot has no tables of its own"),
    HistoricalBug("guest-memfd B9, B12", not: "pages are small"),
    HistoricalBug("guest-memfd B10", not: "there is no mmap_lock"),
    HistoricalBug("guest-memfd B11", not: "storing attributes does not fail"),
    HistoricalBug(
      "guest-memfd B14", "a page is added to the image twice",
      Fault("KVM_TDX_INIT_MEM_REGION", .missingCheck, "mapped before")),
    HistoricalBug("guest-memfd B16", not: "listed above as kvm-tdx B-18"),
    HistoricalBug("guest-memfd B17", not: "pages are in no batches of the LRU"),
    HistoricalBug("guest-memfd B18, B19", not: "pages are small, and each is looked at alone"),
  ]
}
