import ConformanceKit

/// Calls of two threads of a process on s390, made by a name alone: `s390-threads:17`.
struct S390Threads {
  private let setup: [Call]
  private let threads: [[Call]]
  private let system: SimulatedSystem
  private let then: [Call]

  /// How many ways to put them together are tried.
  private static let attempts = 50

  /// The threads of a name; nil for a name that none has.
  init?(name: String) {
    let parts = name.split(separator: ":")
    guard parts.count == 2, parts[0] == "s390-threads", let seed = UInt64(parts[1]) else {
      return nil
    }
    var random = SplitMix(seed: seed)
    func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
    let names = ["s390-async", "s390-async-slow", "s390-sync"]
    guard let system = SimulatedSystem(name: names[below(names.count)]) else { return nil }
    self.system = system
    let life = TypicalLife.ofS390(isLoaded: true, isAsync: system.name != "s390-sync")
    setup = Array(life.prefix(below(life.count + 1)))
    threads = (0..<2).map { _ in (0...below(2)).map { _ in Self.calls[below(Self.calls.count)] } }
    then = (0..<2).map { _ in Self.calls[below(Self.calls.count)] }
  }

  private static let calls: [Call] = [
    Call("KVM_PV_ENABLE"), Call("KVM_PV_DISABLE"), Call("KVM_PV_DISABLE"),
    Call("KVM_PV_ASYNC_CLEANUP_PREPARE"), Call("KVM_PV_ASYNC_CLEANUP_PREPARE"),
    Call("KVM_PV_ASYNC_CLEANUP_PERFORM"), Call("KVM_PV_ASYNC_CLEANUP_PERFORM"),
    Call("KVM_RUN", ["v": "v0", "p": "p0"]), Call("KVM_RUN", ["v": "v1", "p": "p0"]),
    Call("KVM_RUN", ["v": "v0", "p": "p1"]), Call("reclaim takes the page away", ["p": "p0"]),
    Call("exit_mmap"), Call("kvm_destroy_vm"),
  ]

  /// What can come of them: the answers of each way, with what the system complains of then.
  func ends(_ faults: [Fault]) -> Set<[String]> {
    var ends: Set<[String]> = []
    var backend = SimulatedBackend(system, faults: faults)
    for attempt in 0..<Self.attempts {
      do throws(BackendError) {
        try backend.reset()
        for call in setup { _ = try backend.perform(call) }
        guard let results = try backend.race(threads, attempt: attempt) else { break }
        var end = results.map { $0.map { "\($0.outcome)" }.joined(separator: ", ") }
        for call in then { end.append("\(try backend.perform(call).outcome)") }
        ends.insert(end + (try backend.conclude()))
      } catch {
        ends.insert(["\(error)"])
      }
    }
    return ends
  }

  /// Whether it happens without a fault that a thread waits for ever, or the system complains.
  var complaints: [[String]] {
    ends([]).filter { $0.count > 2 + then.count || $0.contains { $0.contains("no answer") } }
      .sorted { $0.joined() < $1.joined() }
  }
}
