import SpecLanguage

/// Gives every transition a mark that its label decides, for one engine.
public final class TransitionMarker {
  fileprivate let mark: (TransitionLabel) -> UInt64
  /// For an engine whose transitions have positions: the mark of each.
  fileprivate var byPosition: [UInt64] = []

  /// - Parameter mark: asked once for each rule of an engine that has rules, else once for each
  ///   transition.
  public init(_ mark: @escaping (TransitionLabel) -> UInt64) { self.mark = mark }
}

/// Tells which instances of fairness a transition is a step of, for one engine.
public struct FairnessMarker {
  /// The instances that are weakly fair, and those that are strongly fair.
  public let weak: UInt64
  public let strong: UInt64
  public let transitions: TransitionMarker

  public init(_ table: FairnessTable) {
    weak = table.weak
    strong = table.strong
    transitions = TransitionMarker(table.mark)
  }
}

extension Engine {
  /// By way of the labels: slow, and right for every engine.
  public func expand(
    _ state: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>,
    marks: UnsafeMutablePointer<UInt64>, by marker: TransitionMarker
  ) throws(EngineFault) -> Int {
    var count: Int32 = 0
    let found = try expand(state, 1, into: target, counts: &count)
    for (index, label) in try labels(of: state).enumerated() {
      marks[index] = marker.mark(label)
    }
    return found
  }
}

extension GuardTable {
  /// The same without labels: the mark of a rule is looked up by its position.
  public func expand(
    _ state: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>,
    marks: UnsafeMutablePointer<UInt64>, by marker: TransitionMarker
  ) throws(EngineFault) -> Int {
    if marker.byPosition.isEmpty { marker.byPosition = rules.map { marker.mark($0.label) } }
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
