import ConformanceKit
import Foundation
import Testing

@testable import Simulator

@Suite("Calls at once on the simulator")
struct RaceTests {
  private let punch = Call(
    "fallocate",
    ["on": "gmem0", "mode": "PUNCH_HOLE|KEEP_SIZE", "offset": "0x0", "len": "0x1000"])

  /// Every attempt's results, with what the system reports after it.
  private func attempts(
    _ threads: [[Call]], _ faults: [Fault] = [], after setup: [Call] = VirtualMachineTests.build
  ) throws -> [(results: [[CallResult]], complaints: [String])] {
    var backend = KVMBackend(
      .linux7_3TDX, hasModule: true, faults: faults, scheduler: Scheduler())
    var found: [(results: [[CallResult]], complaints: [String])] = []
    while true {
      try backend.reset()
      for call in setup { _ = try backend.perform(call) }
      guard let results = try backend.race(threads, attempt: found.count) else { return found }
      found.append((results, try backend.conclude()))
    }
  }

  @Test("the ways begin with both serial orders and are a known number")
  func ways() throws {
    let close = [[Call("close", ["on": "vcpu0"])], [Call("close", ["on": "gmem0"])]]
    let found = try attempts(close)
    #expect(found.count > 4)
    #expect(try attempts(close).map(\.results) == found.map(\.results))
    #expect(found.allSatisfy { $0.complaints.isEmpty })
  }

  @Test("a preempted thread goes on when the others are done")
  func preemption() {
    let way = Preemption(first: 0, after: 2)
    var order: [Int] = []
    var left = [4, 3]
    var step = 0
    while left.contains(where: { $0 > 0 }) {
      let ready = left.indices.filter { left[$0] > 0 }
      let thread = way.choose(ready, step)
      order.append(thread)
      left[thread] -= 1
      step += 1
    }
    #expect(order == [0, 0, 0, 1, 1, 1, 0])
  }

  @Test("a call that closes a descriptor leaves the file to the call that uses it")
  func closeDuringCall() throws {
    let found = try attempts([[punch], [Call("close", ["on": "gmem0"])]])
    #expect(found.allSatisfy { $0.complaints.isEmpty })
    let answers = Set(found.map { $0.results.map { $0.map(\.outcome) } })
    #expect(
      answers.isSubset(of: [
        [[.ok(0)], [.ok(0)]], [[.errno(Errno(number: 9))], [.ok(0)]],
      ]))
  }

  @Test("without mmu_lock some way goes wrong, and none with it")
  func lockNotTaken() throws {
    let run = InterleavingTests.punches
    let right = try attempts(run.threads, after: run.setup)
    #expect(right.allSatisfy { $0.complaints.isEmpty })
    let fault = Fault("fallocate", .lockNotTaken, "mmu_lock")
    let faulty = try attempts(run.threads, [fault], after: run.setup)
    #expect(
      faulty.contains {
        !$0.complaints.isEmpty || $0.results.joined().contains { $0.outcome == .timeout }
      })
  }

  @Test("a call that is not known is an error of the machinery")
  func unknownCall() throws {
    #expect(throws: BackendError.self) {
      try attempts([[Call("standin_fail", ["leaf": "nonsense"])], [punch]])
    }
  }

  @Test("a scheduler that nobody has any more is gone, and its threads with it")
  func schedulersEnd() throws {
    weak var left: Scheduler?
    do {
      let scheduler = Scheduler()
      left = scheduler
      for _ in 0..<3 { scheduler.run([{}, {}, {}], Scheduler.following([])) }
    }
    // A worker lets go of its work a moment after it has told that it is done.
    for _ in 0..<500 where left != nil { usleep(10_000) }
    #expect(left == nil)
  }
}
