import SpecLanguage
import SpecProgram

extension ReducedEngine {
  /// The path without permutations and with every step that was passed through.
  ///
  /// Whatever permutation led to a stored state, the same steps lead on from the state that was
  /// really reached; which of its successors is meant is told by the orbit.
  public func replay(_ ordinals: [Int]) throws(ReplayFailure) -> Trace {
    let interpreter = Interpreter(program)
    var stored = packed(program.initial)
    represent(&stored)
    var cells = program.initial
    var steps: [TraceStep] = []
    for ordinal in ordinals {
      let passage: [[UInt64]]
      do throws(EngineFault) {
        passage = try self.passage(from: stored, ordinal: ordinal)
      } catch {
        throw ReplayFailure("\(error.error)")
      }
      guard !passage.isEmpty else {
        throw ReplayFailure("a stored state has no successor \(ordinal)")
      }
      for step in passage {
        var wanted = step
        represent(&wanted)
        let found: Transition?
        do throws(SpecError) {
          found = try interpreter.transitions(from: cells).first { isIn(wanted, $0.state) }
        } catch {
          throw ReplayFailure("\(error)")
        }
        guard let found else {
          throw ReplayFailure("the interpreter cannot take step \(steps.count + 1)")
        }
        steps.append(TraceStep(label: found.label, state: found.state))
        cells = found.state
        stored = wanted
      }
    }
    return Trace(initial: program.initial, steps: steps)
  }

  private func packed(_ cells: [Int]) -> [UInt64] {
    var result = [UInt64](repeating: 0, count: words)
    result.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { layout.pack(cells, into: base) }
    }
    return result
  }

  private func represent(_ state: inout [UInt64]) {
    state.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { represent(base) }
    }
  }

  private func isIn(_ orbit: [UInt64], _ cells: [Int]) -> Bool {
    var state = packed(cells)
    represent(&state)
    return state == orbit
  }
}
