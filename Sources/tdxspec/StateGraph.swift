import ArgumentParser
import SpecProgram

/// The whole graph of a small spec, for drawing.
struct StateGraph {
  static let most = 400

  private let program: Program
  private var states: [[Int]] = []
  private var edges: [(from: Int, to: Int, label: String)] = []

  /// - Throws: a usage error when the graph is too large to be drawn.
  init(_ program: Program) throws {
    self.program = program
    let interpreter = Interpreter(program)
    var numbers = [program.initial: 0]
    states = [program.initial]
    var next = 0
    while next < states.count {
      for transition in try interpreter.transitions(from: states[next]) {
        if numbers[transition.state] == nil {
          numbers[transition.state] = states.count
          states.append(transition.state)
          guard states.count <= Self.most else {
            throw ValidationError(
              "the graph has more than \(Self.most) states; draw a smaller scope")
          }
        }
        let arguments = Array(
          transition.label.choice.prefix(program.argumentCount(transition.label)))
        let call = program.callText(transition.label, arguments: arguments)
        let thread = transition.label.thread.map { "t\($0) " } ?? ""
        let step = transition.label.thread == nil ? "" : ": \(program.stepText(transition.label))"
        edges.append((next, numbers[transition.state] ?? 0, "\(thread)\(call)\(step)"))
      }
      next += 1
    }
  }

  /// What tells a state from the initial one.
  private func text(_ index: Int) -> String {
    let changes = program.changes(from: program.initial, to: states[index])
    return changes.isEmpty
      ? "initial" : changes.map { "\($0.cell)=\($0.after)" }.joined(separator: " ")
  }

  var dot: String {
    var out = "digraph spec {\n  node [shape=box, fontsize=10];\n  edge [fontsize=9];\n"
    for index in states.indices { out += "  s\(index) [label=\"\(escaped(text(index)))\"];\n" }
    for edge in edges {
      out += "  s\(edge.from) -> s\(edge.to) [label=\"\(escaped(edge.label))\"];\n"
    }
    return out + "}\n"
  }

  var mermaid: String {
    var out = "flowchart TD\n"
    for index in states.indices { out += "  s\(index)[\"\(escaped(text(index)))\"]\n" }
    for edge in edges { out += "  s\(edge.from) -->|\"\(escaped(edge.label))\"| s\(edge.to)\n" }
    return out
  }

  private func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "'")
  }
}
