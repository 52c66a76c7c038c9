import BackendProcess
import ConformanceKit
import KVMBackend
import QEMUBackend
import Simulator
import Verdicts

/// Runs `conform --compare`.
struct ComparisonRunner {
  let command: TDXSpec.Conform
  let other: BackendChoice

  func run() throws -> ExitStatus {
    do {
      var first = try AnyBackend(command.backend, command)
      var second = try AnyBackend(other, command)
      let profiles = (try first.probe(), try second.probe())
      return try run(&first, &second, profiles)
    } catch let error as BackendError {
      Terminal.complain(
        error.kind == .unavailable ? "SKIPPED: \(error.message)" : "\(error)")
      return error.kind == .unavailable ? .skipped : .internalError
    }
  }

  private func run(
    _ first: inout AnyBackend, _ second: inout AnyBackend, _ profiles: (Profile, Profile)
  ) throws -> ExitStatus {
    let suite = try SuiteFile.read(command.suitePath)
    let tests = command.shard.map { $0.part(of: suite.tests) } ?? suite.tests
    let isShared = [command.backend, other].map(\.isKernel)
    var comparison = BackendComparison()
    var skipped = 0
    for test in tests {
      let needs = test.kernelNeeds.filter(Self.isNeededByBoth)
      let lacks = zip(isShared, [profiles.0, profiles.1]).contains { isKernel, profile in
        isKernel && !needs.isSubset(of: profile.capabilities)
      }
      guard test.race == nil, !lacks else {
        skipped += 1
        continue
      }
      try comparison.compare(test, &first, &second)
    }
    var sink = ReportSink(json: false, path: command.output)
    try sink.write(
      text: comparison.text(
        command.backend.defaultValueDescription, other.defaultValueDescription))
    var missed: [String] = []
    if let path = command.differences {
      missed = comparison.deviations(from: try Self.lines(path))
      for line in missed { try sink.write(text: line + "\n") }
    }
    if skipped > 0 { try sink.write(text: "\(skipped) tests SKIPPED: not for both\n") }
    try sink.close()
    if comparison.tests == 0 { return .skipped }
    let isAsExpected =
      command.differences == nil ? comparison.different == 0 : missed.isEmpty
    return isAsExpected ? .success : .failure
  }

  /// The lines of a file that are no remarks.
  private static func lines(_ path: String) throws -> [String] {
    let text = String(decoding: try InputFile.read(path), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.hasPrefix("#") }
  }

  /// Without a feature a call has an answer too, which is a difference worth seeing; without these
  /// nothing can be compared.
  private static func isNeededByBoth(_ need: Capability) -> Bool {
    ["vm-type:", "run:", "vcpu"].contains { need.name.hasPrefix($0) }
  }
}

/// A backend of any kind that can be chosen.
struct AnyBackend: Backend {
  private var process: ProcessBackend?
  private var machine: QEMUBackend?
  private var simulator: SimulatedBackend?

  init(_ choice: BackendChoice, _ command: TDXSpec.Conform) throws {
    switch choice {
    case .command(let line):
      var limits = ProcessBackend.Limits()
      if let seconds = command.callTimeout?.seconds { limits.call = seconds }
      process = ProcessBackend(line, limits: limits)
    case .simulator(let system):
      simulator = SimulatedBackend(system, faults: try command.mistakes.faults(of: choice))
    case .kvm: process = try command.kernel.host(command.callTimeout)
    case .qemu(let kernel):
      var setup = command.kernel.machine(kernel, command.callTimeout)
      setup.known = try command.suite.map { try SuiteFile.read($0).calls } ?? []
      if command.race != nil { setup.raceAttempts = command.times }
      machine = try QEMUBackend(setup)
    }
  }

  private static let none = BackendError(.unavailable, "there is no backend")

  mutating func probe() throws(BackendError) -> Profile {
    if let profile = try process?.probe() { return profile }
    if let profile = try machine?.probe() { return profile }
    guard let profile = try simulator?.probe() else { throw Self.none }
    return profile
  }

  mutating func reset() throws(BackendError) {
    try process?.reset()
    try machine?.reset()
    try simulator?.reset()
  }

  mutating func perform(_ call: Call) throws(BackendError) -> CallResult {
    if let result = try process?.perform(call) { return result }
    if let result = try machine?.perform(call) { return result }
    guard let result = try simulator?.perform(call) else { throw Self.none }
    return result
  }

  mutating func observe() throws(BackendError) -> [ObservationID: Value] {
    if let seen = try process?.observe() { return seen }
    if let seen = try machine?.observe() { return seen }
    return try simulator?.observe() ?? [:]
  }

  mutating func race(
    _ threads: [[Call]], attempt: Int
  ) throws(BackendError) -> [[CallResult]]? {
    if process != nil { return try process?.race(threads, attempt: attempt) }
    if machine != nil { return try machine?.race(threads, attempt: attempt) }
    return try simulator?.race(threads, attempt: attempt)
  }

  mutating func conclude() throws(BackendError) -> [String] {
    if let complaints = try process?.conclude() { return complaints }
    if let complaints = try machine?.conclude() { return complaints }
    return try simulator?.conclude() ?? []
  }
}
