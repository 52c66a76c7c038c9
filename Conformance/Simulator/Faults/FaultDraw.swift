/// A list of faults drawn by a seed, so many of each class.
public struct FaultDraw: Sendable {
  /// A fault of the list.
  public struct Entry: Hashable, Sendable {
    public let fault: Fault
    /// The name of a sequence of calls in which it shows.
    public let witness: String
  }

  public private(set) var entries: [Entry] = []
  /// The faults that bring historical bugs back, with their witnesses.
  public private(set) var history: [(bug: HistoricalBug, entry: Entry)] = []
  /// Faults that were drawn and show in none of the sequences tried.
  public private(set) var unseen: [Fault] = []

  /// How many sequences of each kind are tried for a fault.
  public static let tries = 150

  /// Draws until each class has so many, or has no more. Some seconds a class.
  ///
  /// - Parameter faults: those to draw from.
  public init(_ count: Int, ofEach seed: UInt64, from faults: [Fault] = Fault.all) {
    let witness = FaultWitness()
    let known = Set(faults)
    for bug in HistoricalBug.all {
      guard let fault = bug.fault, known.contains(fault) else { continue }
      let names = CallSequence.names(for: fault, count: Self.tries)
      if let name = witness.first(fault, of: names) {
        history.append((bug, Entry(fault: fault, witness: name)))
      } else {
        unseen.append(fault)
      }
    }
    let old = Set(history.map(\.entry.fault) + unseen)
    var random = SplitMix(seed: seed)
    for kind in FaultClass.allCases {
      let possible = faults.filter { $0.faultClass == kind && !old.contains($0) }
        .shuffled(using: &random)
      var found = 0
      for fault in possible where found < count {
        let names = CallSequence.names(for: fault, count: Self.tries)
        guard let name = witness.first(fault, of: names) else {
          unseen.append(fault)
          continue
        }
        entries.append(Entry(fault: fault, witness: name))
        found += 1
      }
    }
  }
}
