import ConformanceKit
import Simulator
import Testing

@Suite("Several threads in the simulated kernel")
struct InterleavingTests {
  /// Two memfds with a page of the TD each; both holes are punched at once.
  static let punches: ConcurrentRun = {
    var setup = VirtualMachineTests.build.dropLast()
    let second: [Call] = [
      Call("KVM_CREATE_GUEST_MEMFD", ["on": "vm0", "new": "gmem1", "size": "0x4000", "flags": 0]),
      Call(
        "KVM_SET_USER_MEMORY_REGION2",
        [
          "on": "vm0", "slot": 1, "gpa": "0x200000", "size": "0x4000", "flags": 4,
          "hva": "buf+0x0", "gmem": "gmem1", "gmem_offset": "0x0",
        ]),
      Call(
        "KVM_SET_MEMORY_ATTRIBUTES",
        ["on": "vm0", "gpa": "0x200000", "size": "0x4000", "attributes": 8, "flags": 0]),
      Call("KVM_TDX_FINALIZE_VM", ["on": "vm0", "flags": 0]),
      Call(
        "KVM_PRE_FAULT_MEMORY",
        ["on": "vcpu0", "gpa": "0x200000", "size": "0x1000", "flags": 0]),
    ]
    setup += second
    let punch = ["gmem0", "gmem1"].map { name in
      [
        Call(
          "fallocate",
          [
            "on": .text(name), "mode": "PUNCH_HOLE|KEEP_SIZE", "offset": "0x0", "len": "0x1000",
          ])
      ]
    }
    return ConcurrentRun(setup: Array(setup), threads: punch, finish: [Call("exit")])
  }()

  private func unsound(
    _ run: ConcurrentRun, _ faults: [Fault], seeds: Range<UInt64> = 0..<60
  ) throws -> [ConcurrentReport] {
    var found: [ConcurrentReport] = []
    for seed in seeds {
      let report = try run.run(.linux7_3TDX, faults: faults, Scheduler.random(seed: seed))
      if !report.isSound { found.append(report) }
    }
    return found
  }

  @Test("Holes punched at once do not meet")
  func punchesAreExclusive() throws {
    #expect(try unsound(Self.punches, []).isEmpty)
  }

  @Test("Without mmu_lock they do, and the same schedule shows it again")
  func punchesWithoutLock() throws {
    let fault = Fault("fallocate", .lockNotTaken, "mmu_lock")
    let found = try unsound(Self.punches, [fault])
    let first = try #require(found.first)
    let again = try Self.punches.run(
      .linux7_3TDX, faults: [fault], Scheduler.following(first.trace))
    #expect(!again.isSound)
    #expect(again.bugs == first.bugs)
  }

  @Test("Two TDs end at once: one key table, one lock")
  func twoTDsEnd() throws {
    let second = VirtualMachineTests.build.map { call in
      var call = call
      for (name, value) in call.arguments {
        guard case .text(let text) = value, ["vm0", "vcpu0", "gmem0"].contains(text) else {
          continue
        }
        call.arguments[name] = .text(text.replacing("0", with: "1"))
      }
      return call
    }
    let closing = ["0", "1"].map { number in
      ["gmem", "vcpu", "vm"].map { Call("close", ["on": .text($0 + number)]) }
    }
    let run = ConcurrentRun(
      setup: VirtualMachineTests.build + second, threads: closing, finish: [Call("exit")])
    #expect(try unsound(run, []).isEmpty)
    let found = try unsound(run, [Fault("close", .lockNotTaken, "tdx_lock")])
    #expect(!found.isEmpty)
  }

  @Test("A guest that runs while its page is removed reads what it wrote, or leaves")
  func guestAndPunch() throws {
    var run = ConcurrentRun(
      setup: VirtualMachineTests.build,
      threads: [
        [Call("KVM_RUN", ["on": "vcpu0"])],
        [
          Call(
            "fallocate",
            [
              "on": "gmem0", "mode": "PUNCH_HOLE|KEEP_SIZE", "offset": "0x0", "len": "0x1000",
            ])
        ],
      ], finish: [Call("exit")])
    run.guestEvents = [0: [.write(gpa: 0, value: 5), .read(gpa: 0), .read(gpa: 0)]]
    var reads: Set<UInt64?> = []
    var problems: [String] = []
    for seed in 0..<80 as Range<UInt64> {
      let report = try run.run(.linux7_3TDX, Scheduler.random(seed: seed))
      problems += (report.bugs + report.leftovers).map { "\(seed): \($0)" }
      reads.formUnion(report.guestReads)
    }
    #expect(problems.prefix(5) == [])
    #expect(reads == [5])
  }
}
