import SpecLanguage

extension Program {
  /// Where each thread that is inside a call stands, and what it remembers:
  /// `thread 1 is in touch before “installs the page table entry”, p is p0`.
  public func standing(in state: [Int]) -> [String] {
    threads.indices.compactMap { thread in
      let layout = threads[thread]
      let place = locations[state[layout.location]]
      guard place.procedure >= 0 else { return nil }
      let procedure = procedures[place.procedure]
      let step = procedure.info[place.node].label
      var parts = ["thread \(thread) is in \(procedure.action.name) before “\(step)”"]
      for register in procedure.live[place.node].sorted() {
        let (offset, setCount) = procedure.frameCells[register]
        let first = layout.frame + offset
        let entry = procedure.frame[register]
        let text =
          if let setCount {
            "{"
              + (0..<setCount).filter { state[first + $0] != 0 }
              .map { Reading.value($0, of: entry.type.element) }.joined(separator: ", ") + "}"
          } else {
            Reading.value(state[first] + cells[first].low, of: entry.type)
          }
        parts.append("\(entry.name) is \(text)")
      }
      return parts.joined(separator: ", ")
    }
  }
}

extension ValueType {
  /// What a set has as elements; the type itself when it is none.
  fileprivate var element: ValueType {
    if case .set(let sort) = self { .element(sort) } else { self }
  }
}
