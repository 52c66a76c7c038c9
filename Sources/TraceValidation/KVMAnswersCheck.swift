import SpecLanguage

/// Compares recordings of KVM's answers (`--format kvm-answers`): each sequence with the spec that
/// answers its environment.
public struct KVMAnswersCheck {
  /// The environment of TDs, answered by `kvm/tdx`.
  public private(set) var td: KVMTraceCheck
  /// Environments answered by `gmem/mainline`.
  public private(set) var gmem: [GmemTraceCheck]
  /// Sequences of environments that no spec answers.
  public private(set) var passedOver = 0

  /// The specs that recordings are compared with, by name.
  public static let specs = [KVMTraceCheck.spec, GmemReplay.spec]

  /// - Parameters:
  ///   - td: `kvm/tdx`.
  ///   - gmem: `gmem/mainline`.
  ///   - limit: how many disagreements of an environment are kept.
  public init(td: SpecDescription, gmem: SpecDescription, limit: Int) {
    self.td = KVMTraceCheck(td, limit: limit)
    self.gmem = GmemEnvironment.all.map { GmemTraceCheck($0, gmem, limit: limit) }
  }

  /// Every environment that has sequences agrees enough, and one has.
  public var isEnough: Bool {
    sequences > 0 && (td.answers.sequences == 0 || td.isEnough)
      && gmem.allSatisfy { $0.answers.sequences == 0 || $0.answers.isEnough }
  }

  private var sequences: Int {
    td.answers.sequences + gmem.reduce(0) { $0 + $1.answers.sequences }
  }

  private var compared: Int {
    td.answers.total.compared + gmem.reduce(0) { $0 + $1.answers.total.compared }
  }

  /// Replays every sequence of a file.
  ///
  /// - Throws: `unusable` for a line that is not of the format, `torn` for a file that ends within
  ///   a line; what came before is in the tallies.
  public mutating func check(
    file path: String, progress: (TraceProgress) -> Void
  ) throws(TraceError) {
    let file = try TraceFile(path)
    for line in file.lines.indices {
      guard let value = try file.value(at: line) else { continue }
      let place = "\(path):\(line + 1)"
      let environment = value["env"]?.text
      if environment == KVMTraceCheck.environment {
        try td.check(value, place)
      } else if let number = gmem.firstIndex(where: { $0.environment.name == environment }) {
        try gmem[number].check(value, place)
      } else {
        passedOver += 1
      }
      progress(
        TraceProgress(
          sequences: sequences + passedOver, allSequences: file.lines.count, calls: compared))
    }
  }
}
