import SpecLanguage
import SpecProgram

/// A trace in the Informal Trace Format that Apalache and Quint read and write.
public struct ITF {
  private let program: Program
  private let trace: Trace

  public init(_ program: Program, _ trace: Trace) {
    self.program = program
    self.trace = trace
  }

  public var json: JSONValue {
    let names = program.cells.map(\.name)
    let lines = TraceText(program, trace).lines
    var states: [JSONValue] = []
    var all = [trace.initial] + trace.steps.map(\.state)
    // In a lasso the last state is followed by the one at `loop`, which is not written twice.
    if let loop = trace.loop, loop < trace.steps.count { all.removeLast() }
    for (index, state) in all.enumerated() {
      var meta: [JSONValue.Member] = [.init(name: "index", value: .int(index))]
      if index > 0 {
        meta.append(.init(name: "action", value: .string(lines[index - 1].call)))
        meta.append(.init(name: "step", value: .string(lines[index - 1].step)))
      }
      var members: [JSONValue.Member] = [.init(name: "#meta", value: .object(meta))]
      for (cell, name) in names.enumerated() {
        members.append(.init(name: name, value: value(cell, state)))
      }
      states.append(.object(members))
    }
    return .members([
      "#meta": .members([
        "format": "ITF", "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
        "source": .string(program.spec.name),
      ]),
      "vars": .array(names.map { .string($0) }),
      "states": .array(states), "loop": trace.loop.map { .int($0) },
    ])
  }

  private func value(_ cell: Int, _ state: [Int]) -> JSONValue {
    switch program.cells[cell].type {
    case .bool: return .bool(state[cell] != 0)
    case .integer, .counter:
      return .members(["#bigint": .string(String(state[cell] + program.cells[cell].low))])
    default: return .string(program.value(of: cell, in: state))
    }
  }
}
