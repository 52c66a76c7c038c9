@testable import SpecLanguage
@testable import SpecProgram

extension Program {
  /// The same spec with claims about where threads stand and what they remember there.
  ///
  /// Claims that name no place, or one where nothing is remembered, are not made.
  func withStandings(seed: UInt64, count: Int, fuse: Bool) throws -> Program {
    var random = SplitMix(seed: seed ^ 0x57A4D)
    let infos = procedures.filter(\.isThreaded).flatMap(\.info)
    let steps = Set(infos.map(\.label)).sorted()
    let actions = Set(infos.flatMap(\.path)).sorted()
    guard !steps.isEmpty else { return self }
    var result = self
    for index in 0..<count {
      let place: Standing =
        switch random.below(4) {
        case 0: .inside(random.pick(actions))
        case 1: .calling(random.pick(actions))
        case 2: .at(random.pick(steps))
        default: .between(random.pick(steps), random.pick(steps))
        }
      let property = Property.lemma("place \(index)", "made up", Self.claim(place, &random))
      let larger = SpecDescription(
        result.spec, properties: result.spec.properties + [property])
      if let program = try? Program(larger, scope, ProgramOptions(fuseReleases: fuse)) {
        result = program
      }
    }
    return result
  }

  /// For no element, or not for all, a thread stands there.
  private static func claim(_ place: Standing, _ random: inout SplitMix) -> Node {
    let kinds: [(SortID, ThreadDetail.Kind)] = [
      (V.sort, .has), (W.sort, .has), (Worker.sort, .has), (V.sort, .taken), (W.sort, .taken),
    ]
    let chosen = kinds.filter { _ in random.chance(30) }
    let bounds = chosen.indices.map {
      BoundID(raw: 9_000_000 + $0, type: .element(chosen[$0].0))
    }
    let details = zip(chosen, bounds).map {
      ThreadDetail(kind: $0.1, sort: $0.0, element: .bound($1))
    }
    let standing = Node.standing(place, details)
    return random.chance(50)
      ? bounds.reduce(.not(standing)) { .forAll($1, $0) }
      : .not(bounds.reduce(standing) { random.chance(50) ? .forAll($1, $0) : .exists($1, $0) })
  }
}
