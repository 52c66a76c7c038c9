import SpecLanguage

extension Engine {
  public var isReduced: Bool { false }

  public func represent(_ state: UnsafeMutablePointer<UInt64>) {}

  public func replay(_ ordinals: [Int]) throws(ReplayFailure) -> Trace {
    let interpreter = Interpreter(program)
    let words = layout.words
    let state = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
    defer { state.deallocate() }
    let successors = UnsafeMutablePointer<UInt64>.allocate(capacity: maxSuccessors * words)
    defer { successors.deallocate() }
    var cells = program.initial
    var steps: [TraceStep] = []
    for ordinal in ordinals {
      layout.pack(cells, into: state)
      do {
        let label = try labels(of: state)[ordinal]
        var count: Int32 = 0
        _ = try expand(state, 1, into: successors, counts: &count)
        let expected = layout.unpack(successors + ordinal * words)
        let found = try interpreter.transitions(from: cells).first {
          $0.label == label && $0.state == expected
        }
        guard let found else {
          throw ReplayFailure("the interpreter cannot take step \(steps.count + 1)")
        }
        steps.append(TraceStep(label: found.label, state: found.state))
        cells = found.state
      } catch let failure as ReplayFailure {
        throw failure
      } catch {
        throw ReplayFailure("\(error)")
      }
    }
    return Trace(initial: program.initial, steps: steps)
  }
}
