import SpecLanguage

/// Tells which instances of fairness a transition is a step of, for one engine.
public final class FairnessMarker {
  let table: FairnessTable
  /// For an engine whose transitions have positions: the mark of each.
  fileprivate var byPosition: [UInt64] = []

  public init(_ table: FairnessTable) { self.table = table }

  /// The instances that are weakly fair, and those that are strongly fair.
  public var weak: UInt64 { table.weak }
  public var strong: UInt64 { table.strong }
}

extension Engine {
  /// By way of the labels: slow, and right for every engine.
  public func expand(
    _ state: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>,
    marks: UnsafeMutablePointer<UInt64>, by marker: FairnessMarker
  ) throws(EngineFault) -> Int {
    var count: Int32 = 0
    let found = try expand(state, 1, into: target, counts: &count)
    for (index, label) in try labels(of: state).enumerated() {
      marks[index] = marker.table.mark(label)
    }
    return found
  }
}

extension GuardTable {
  /// The same without labels: the mark of a rule is looked up by its position.
  public func expand(
    _ state: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>,
    marks: UnsafeMutablePointer<UInt64>, by marker: FairnessMarker
  ) throws(EngineFault) -> Int {
    if marker.byPosition.isEmpty { marker.byPosition = rules.map { marker.table.mark($0.label) } }
    let found =
      words == 1
      ? successors(state, target, words: 1) : successors(state, target, words: words)
    guard found >= 0 else {
      let error = rules[-1 - found].fault ?? SpecError("TDX3000", "a step went wrong")
      throw EngineFault(index: 0, error: error)
    }
    marker.byPosition.withUnsafeBufferPointer { positions in
      for index in 0..<found { marks[index] = positions[Int(taken[index])] }
    }
    return found
  }
}
