import SpecLanguage
import SpecProgram

/// One step of a trace, with the state it leads to.
public struct TraceStep: Sendable {
  public let label: TransitionLabel
  public let state: [Int]
}

/// A run of the spec from its initial state, replayed by the interpreter.
public struct Trace: Sendable {
  public let initial: [Int]
  public let steps: [TraceStep]
}

extension Search {
  /// The path by which a state was first reached, replayed step by step by the interpreter.
  ///
  /// - Throws: `disagreement` when the interpreter cannot follow: a bug of the tool.
  public func trace(to id: Int) throws(SearchError) -> Trace {
    var ordinals: [Int] = []
    var state = id
    while true {
      let link = store.link(of: state)
      if link.parent == StateStore.noParent { break }
      ordinals.append(Int(link.ordinal))
      state = Int(link.parent)
    }
    let interpreter = Interpreter(engine.program)
    let words = engine.layout.words
    let packed = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
    let successors = UnsafeMutablePointer<UInt64>.allocate(capacity: words * engine.maxSuccessors)
    let counts = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    defer {
      packed.deallocate()
      successors.deallocate()
      counts.deallocate()
    }
    var cells = engine.program.initial
    var steps: [TraceStep] = []
    for ordinal in ordinals.reversed() {
      engine.layout.pack(cells, into: packed)
      do {
        let label = try engine.labels(of: packed)[ordinal]
        _ = try engine.expand(packed, 1, into: successors, counts: counts)
        let expected = engine.layout.unpack(successors + ordinal * words)
        let found = try interpreter.transitions(from: cells).first {
          $0.label == label && $0.state == expected
        }
        guard let found else {
          throw SearchError.disagreement("the interpreter cannot take step \(steps.count + 1)")
        }
        steps.append(TraceStep(label: found.label, state: found.state))
        cells = found.state
      } catch let error as SearchError {
        throw error
      } catch {
        throw .disagreement("\(error)")
      }
    }
    return Trace(initial: engine.program.initial, steps: steps)
  }

  /// How the calls of an action end in the stored states in which a condition holds.
  ///
  /// Goes over the whole store once; for naming what refuses a `Possible`.
  public func outcomes(
    ofAction name: String, where monitor: Int?
  ) throws(SearchError) -> [CoverageKey: Int] {
    var result: [CoverageKey: Int] = [:]
    let procedures = engine.program.spec.actions
    do {
      try store.forEachState { (state: UnsafePointer<UInt64>) throws(EngineFault) -> Bool in
        if let monitor {
          let bit: UInt64 = 1 << UInt64(monitor)
          guard try engine.observe(state, active: bit) & bit != 0 else { return true }
        }
        for label in try engine.labels(of: state)
        where procedures[label.procedure].name == name && label.refusedBy != nil {
          result[CoverageKey(label), default: 0] += 1
        }
        return true
      }
    } catch {
      throw .spec(error.error)
    }
    return result
  }
}
extension Search {
  public var debugWords: Int { engine.layout.words }
  public func nodeName(_ l: TransitionLabel) -> String { engine.program.nodeLabel(l) }
}
