import ConformanceKit
import Simulator
import Testing

/// KVM over the simulated module: both decide.
@Suite("A TD from its creation to its end")
struct VirtualMachineTests {
  /// The calls that build a TD with a vCPU and one page.
  static let build: [Call] = [
    Call("KVM_CREATE_VM", ["new": "vm0", "type": 5]),
    Call(
      "KVM_ENABLE_CAP",
      ["on": "vm0", "cap": "KVM_CAP_SPLIT_IRQCHIP", "flags": 0, "args": ["0x18", "0x0"]]),
    Call(
      "KVM_TDX_INIT_VM",
      ["on": "vm0", "flags": 0, "attributes": "0x10000000", "xfam": "0x3", "gpaw": 48]),
    Call("KVM_CREATE_VCPU", ["on": "vm0", "new": "vcpu0", "id": 0]),
    Call("KVM_SET_CPUID2", ["on": "vcpu0", "x2apic": true, "gpaw": 48]),
    Call("KVM_TDX_INIT_VCPU", ["on": "vcpu0", "flags": 0, "data": "0x0"]),
    Call("KVM_CREATE_GUEST_MEMFD", ["on": "vm0", "new": "gmem0", "size": "0x4000", "flags": 0]),
    Call(
      "KVM_SET_USER_MEMORY_REGION2",
      [
        "on": "vm0", "slot": 0, "gpa": "0x0", "size": "0x4000", "flags": 4, "hva": "buf+0x0",
        "gmem": "gmem0", "gmem_offset": "0x0",
      ]),
    Call(
      "KVM_SET_MEMORY_ATTRIBUTES",
      ["on": "vm0", "gpa": "0x0", "size": "0x4000", "attributes": 8, "flags": 0]),
    Call(
      "KVM_TDX_INIT_MEM_REGION",
      ["on": "vcpu0", "flags": 1, "gpa": "0x0", "nr_pages": 1, "source": "buf+0x0"]),
    Call("KVM_TDX_FINALIZE_VM", ["on": "vm0", "flags": 0]),
  ]

  private func succeed(_ calls: [Call], _ backend: inout KVMBackend) throws {
    for call in calls {
      let result = try backend.perform(call)
      #expect(result.outcome.succeeded, "\(call): \(result.outcome)")
    }
  }

  @Test(
    "In any order of closing nothing is left",
    arguments: [
      ["vm0", "vcpu0", "gmem0"], ["gmem0", "vm0", "vcpu0"], ["vcpu0", "gmem0", "vm0"],
      ["gmem0", "vcpu0", "vm0"], [],
    ])
  func nothingIsLeft(order: [String]) throws {
    var backend = KVMBackend(.linux7_3TDX, hasModule: true)
    try succeed(Self.build, &backend)
    let run = try backend.perform(Call("KVM_RUN", ["on": "vcpu0"]))
    #expect(run.outcome == .errno(Errno(number: 4)))
    let prefault = Call(
      "KVM_PRE_FAULT_MEMORY", ["on": "vcpu0", "gpa": "0x1000", "size": "0x2000", "flags": 0])
    try succeed([prefault], &backend)
    #expect(!backend.host.isClean)
    try succeed(order.map { Call("close", ["on": .text($0)]) }, &backend)
    try succeed([Call("exit")], &backend)
    #expect(backend.host.leftovers == [])
    #expect(backend.host.isClean)
  }

  @Test("The module refuses what KVM lets through: a TD without vCPUs")
  func moduleRefuses() throws {
    var backend = KVMBackend(.linux7_3TDX, hasModule: true)
    try succeed(Array(Self.build.prefix(3)), &backend)
    let final = try backend.perform(Call("KVM_TDX_FINALIZE_VM", ["on": "vm0", "flags": 0]))
    #expect(final.outcome == .errno(Errno(number: 5)))
    let later = try backend.perform(Call("KVM_CHECK_EXTENSION", ["on": "vm0", "cap": "x"]))
    #expect(later.outcome == .errno(Errno(number: 5)))
  }

  @Test("A guest reads what it was given, and what it wrote")
  func guestReads() throws {
    var backend = KVMBackend(.linux7_3TDX, hasModule: true)
    try succeed(Self.build, &backend)
    backend.host.guestEvents[0] = [.write(gpa: 0, value: 7), .read(gpa: 0)]
    for _ in 0..<2 { _ = try backend.perform(Call("KVM_RUN", ["on": "vcpu0"])) }
    #expect(backend.host.guestReads == [7])
  }
}
