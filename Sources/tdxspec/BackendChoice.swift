import ArgumentParser
import Simulator

/// What `--backend` names.
enum BackendChoice: ExpressibleByArgument {
  /// A command that speaks docs/backend-protocol.md.
  case command(String)
  /// A system of the simulator.
  case simulator(SimulatedSystem)
  /// The KVM of this machine.
  case kvm
  /// A kernel in a virtual machine: its file, or its name in $TDXSPEC_KERNELS.
  case qemu(String)

  init?(argument: String) {
    let parts = argument.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.count) {
    case ("exec", 2): self = .command(parts[1])
    case ("kvm", 1): self = .kvm
    case ("qemu", 2): self = .qemu(parts[1])
    case ("simulator", 1): self = .simulator(.usual)
    case ("simulator", 2):
      guard let system = SimulatedSystem(name: parts[1]) else { return nil }
      self = .simulator(system)
    default: return nil
    }
  }

  /// As it is written on the command line.
  var defaultValueDescription: String {
    switch self {
    case .command(let line): "exec:\(line)"
    case .simulator(let system): "simulator:\(system.name)"
    case .kvm: "kvm"
    case .qemu(let kernel): "qemu:\(kernel)"
    }
  }

  /// Tests run on it as far as it has what they need; suites do not always say what that is.
  var isKernel: Bool {
    switch self {
    case .kvm, .qemu: true
    case .command, .simulator: false
    }
  }

  /// Calls may get no answer because the machine as a whole is held up.
  var isEmulated: Bool {
    if case .qemu = self { true } else { false }
  }

  static let help =
    "exec:COMMAND, kvm, qemu:KERNEL, or simulator:SYSTEM of "
    + SimulatedSystem.all.map(\.name).joined(separator: ", ") + "."

  /// For the discussion of a command: a line a system.
  static let systems = SimulatedSystem.all.map { system in
    "  simulator:\(system.name)".padding(to: 30) + system.summary
  }.joined(separator: "\n")
}

extension String {
  /// With spaces up to a width.
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}

/// Mistakes that the simulator shall make.
struct FaultOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The simulator makes this mistake; may be repeated.", valueName: "id"))
  var fault: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("And those of a list, an id a line.", valueName: "file"))
  var faultList: String?

  /// The faults that are named.
  func faults(of choice: BackendChoice) throws -> [Fault] {
    var ids = fault
    if let faultList { ids += try FaultList.ids(faultList) }
    guard !ids.isEmpty else { return [] }
    guard case .simulator(let system) = choice else {
      throw ValidationError("--fault and --fault-list are for the simulator")
    }
    return try FaultList.faults(ids, of: system)
  }
}

/// Lists of faults: a line has an id, then perhaps a tab and more; `#` begins a remark.
enum FaultList {
  static func ids(_ path: String) throws -> [String] {
    let text = String(decoding: try InputFile.read(path), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).compactMap { line in
      guard !line.hasPrefix("#"), let id = line.split(separator: "\t").first else { return nil }
      return String(id)
    }
  }

  /// What a list says of each id: `id`, a tab, the reason.
  static func reasons(_ path: String) throws -> [String: String] {
    let text = String(decoding: try InputFile.read(path), as: UTF8.self)
    var reasons: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
      let cells = line.split(separator: "\t", maxSplits: 1)
      guard cells.count == 2, reasons.updateValue(String(cells[1]), forKey: String(cells[0])) == nil
      else { throw ValidationError("\(path): each fault once, a tab and the reason: \(line)") }
    }
    return reasons
  }

  static func faults(_ ids: [String], of system: SimulatedSystem) throws -> [Fault] {
    let known = Dictionary(uniqueKeysWithValues: system.faults.map { ($0.id, $0) })
    return try ids.map { id in
      guard let fault = known[id] else {
        throw ValidationError("simulator:\(system.name) has no fault '\(id)'")
      }
      return fault
    }
  }
}
