import SpecLanguage

extension Lowering {
  mutating func loop(
    _ bound: BoundID, _ filter: Node?, _ ordered: Bool, _ body: [Statement],
    _ place: SourceLocation, _ context: Context, next: Int
  ) throws(SpecError) -> Int {
    guard case .element(let sort) = bound.type else {
      throw SpecError("TDX1102", "ForEach goes over a sort", at: place)
    }
    guard filter?.readsSharedState != true else {
      throw SpecError(
        "TDX1108", "the filter of a ForEach reads shared state", at: place,
        suggestion: "filter by arguments and constants, and test the state with When inside")
    }
    let done = LocalID(raw: -bound.raw, name: "done", type: .set(sort))
    remember(.bound(bound), sort.letter, bound.type)
    remember(.local(done), "\(sort.letter) done", done.type)
    let loop = Loop(bound: bound, done: done, ordered: ordered, filter: filter)
    let head = add(
      .pick(loop, body: 0, exhausted: next), context,
      "takes the next \(sort.name)", place)
    let start = try lower(body, context, next: head)
    flow.nodes[head] = .pick(loop, body: start, exhausted: next)
    let clear = Node.literal(0, done.type)
    return add(
      .silent([.assign(.local(done), clear, place)], next: head), context, "starts the loop")
  }

  /// The body, then a look at whether to go round again.
  ///
  /// The look is a step of its own even when it reads nothing shared, so that every round can be
  /// seen: a round is never passed through without being stored.
  mutating func rounds(
    _ body: [Statement], _ condition: Node, _ place: SourceLocation, _ context: Context, next: Int
  ) throws(SpecError) -> Int {
    let look = add(
      .test(condition, shared: true, yes: 0, no: next), context, "looks whether to repeat", place)
    flow.info[look].repeats = true
    let start = try lower(body, context, next: look)
    flow.nodes[look] = .test(condition, shared: true, yes: start, no: next)
    return start
  }
}
