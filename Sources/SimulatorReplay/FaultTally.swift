import Simulator
import TraceValidation

/// Which faults of a simulator a recording tells from none.
public struct FaultTally: Sendable {
  /// What the recording is of.
  public enum Subject: Sendable {
    case module
    case kernel
  }

  public private(set) var killed: [Fault] = []
  public private(set) var survivors: [Fault] = []

  public init() {}

  /// The faults that the subject can have.
  public static func faults(of subject: Subject) -> [Fault] {
    Fault.all.filter { $0.isOfModule == (subject == .module) }
  }

  /// Replays the recording with the fault until a call answers otherwise.
  ///
  /// - Throws: for a recording that is not of the format.
  public mutating func add(
    _ fault: Fault, _ recording: Recording, _ subject: Subject
  ) throws(TraceError) {
    let isKilled: Bool
    switch subject {
    case .module:
      var replay = SimulatedModuleReplay(ModuleBackend(faults: [fault]), limit: 1)
      isKilled = try replay.differs(from: recording)
    case .kernel:
      var replay = SimulatedKVMReplay(faults: [fault], limit: 1)
      isKilled = try replay.differs(from: recording)
    }
    if isKilled { killed.append(fault) } else { survivors.append(fault) }
  }

  /// Killed and all faults of each operator that occurs.
  public var byOperator: [(kind: Fault.Operator, killed: Int, total: Int)] {
    Fault.Operator.allCases.compactMap { kind in
      let dead = killed.count { $0.kind == kind }
      let total = dead + survivors.count { $0.kind == kind }
      return total == 0 ? nil : (kind, dead, total)
    }
  }
}
