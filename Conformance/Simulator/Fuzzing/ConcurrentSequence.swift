import ConformanceKit

/// Calls of two threads in several orders, made by a name alone: `threads:17`.
public struct ConcurrentSequence: Sendable {
  private let run: ConcurrentRun
  private let seed: UInt64

  /// How many orders are tried.
  private static let orders: UInt64 = 12

  /// The sequence of a name; nil for a name that none has.
  public init?(name: String) {
    let parts = name.split(separator: ":")
    guard parts.count == 2, parts[0] == "threads", let seed = UInt64(parts[1]) else { return nil }
    self.seed = seed
    var random = SplitMix(seed: seed)
    func pick(_ calls: [Call]) -> Call { calls[Int(random.next() % UInt64(calls.count))] }
    let isRunning = random.next() % 3 != 0
    let possible = isRunning ? Self.whileRunning : Self.whileBuilding
    let threads = (0..<2).map { _ in (0...random.next() % 2).map { _ in pick(possible) } }
    var run = ConcurrentRun(
      setup: TypicalLife.twoVCPUs(isFinal: isRunning), threads: threads, finish: [Call("exit")])
    let reads = (0..<4).map { GuestEvent.read(gpa: UInt64($0 % 2) << 12) }
    run.guestEvents = [0: reads, 1: reads]
    self.run = run
  }

  /// Whether something is wrong in one of the orders: threads that wait for each other, a VM found
  /// broken, leftovers, or a guest that reads what was never written there.
  func isSound(_ faults: [Fault]) -> Bool {
    (0..<Self.orders).allSatisfy { order in
      let choose = Scheduler.random(seed: seed &* 1000 &+ order)
      guard let report = try? run.run(.linux7_3TDX, faults: faults, choose) else { return true }
      return report.isSound && !report.guestReads.contains(nil)
    }
  }

  private static func punch(_ page: Int) -> Call {
    Call(
      "fallocate",
      [
        "on": "gmem0", "mode": "PUNCH_HOLE|KEEP_SIZE", "len": "0x1000",
        "offset": .text("0x" + String(page << 12, radix: 16)),
      ])
  }

  private static func on(_ vcpu: Int, _ name: String, _ more: [String: Value]) -> Call {
    Call(name, more.merging(["on": .text("vcpu\(vcpu)"), "flags": 0]) { $1 })
  }

  private static func prefault(_ vcpu: Int, _ page: Int) -> Call {
    on(
      vcpu, "KVM_PRE_FAULT_MEMORY",
      ["gpa": .text("0x" + String(page << 12, radix: 16)), "size": "0x2000"])
  }

  private static func attributes(_ value: Int64) -> Call {
    Call(
      "KVM_SET_MEMORY_ATTRIBUTES",
      ["on": "vm0", "gpa": "0x0", "size": "0x2000", "attributes": .integer(value), "flags": 0])
  }

  private static let delete = Call(
    "KVM_SET_USER_MEMORY_REGION2",
    [
      "on": "vm0", "slot": 0, "gpa": "0x0", "size": "0x0", "flags": 4, "hva": "buf+0x0",
      "gmem": "gmem0", "gmem_offset": "0x0",
    ])

  private static let whileRunning: [Call] = [
    punch(0), punch(1), punch(0), prefault(0, 1), prefault(1, 1), prefault(1, 0),
    on(0, "KVM_RUN", [:]), on(1, "KVM_RUN", [:]), on(0, "KVM_RUN", [:]), attributes(0),
    attributes(8), delete, Call("close", ["on": "gmem0"]), Call("close", ["on": "vcpu1"]),
  ]

  private static func add(_ vcpu: Int, _ page: Int) -> Call {
    on(
      vcpu, "KVM_TDX_INIT_MEM_REGION",
      [
        "gpa": .text("0x" + String(page << 12, radix: 16)), "nr_pages": 1, "source": "buf+0x0",
      ])
  }

  private static let whileBuilding: [Call] = [
    on(1, "KVM_TDX_INIT_VCPU", ["data": 0]), on(1, "KVM_TDX_INIT_VCPU", ["data": 0]),
    Call("KVM_TDX_FINALIZE_VM", ["on": "vm0", "flags": 0]), add(0, 0), add(0, 1), punch(0),
    punch(0),
    attributes(0), delete, Call("close", ["on": "gmem0"]),
    Call("KVM_CREATE_VCPU", ["on": "vm0", "new": "vcpu2", "id": 2]),
  ]
}

extension TypicalLife {
  /// A TD with two vCPUs and a memfd; final, or with a vCPU that is not initialised.
  static func twoVCPUs(isFinal: Bool) -> [Call] {
    let vcpu = [
      Call("KVM_CREATE_VCPU", ["on": "vm0", "new": "vcpu1", "id": 1]),
      Call("KVM_SET_CPUID2", ["on": "vcpu1", "x2apic": true, "gpaw": 48]),
    ]
    let life = ofKVM("kvm")
    let names = life.map(\.name)
    guard let added = names.firstIndex(of: "KVM_TDX_INIT_MEM_REGION"),
      let final = names.firstIndex(of: "KVM_TDX_FINALIZE_VM")
    else { return life }
    guard isFinal else { return Array(life[...added]) + vcpu }
    let started = Call("KVM_TDX_INIT_VCPU", ["on": "vcpu1", "flags": 0, "data": "0x0"])
    let running = Call("KVM_SET_MP_STATE", ["on": "vcpu1", "mp_state": 0])
    return Array(life[..<final]) + vcpu + [started, running, life[final]]
  }
}
