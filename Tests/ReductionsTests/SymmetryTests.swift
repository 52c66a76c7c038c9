import Catalogue
import Explorer
import SpecLanguage
import SpecProgram
import Testing

@testable import Reductions

@Suite("Symmetry") struct SymmetryTests {
  static let symmetry = Reduction(symmetry: true)

  static func bench(_ values: [String: Int]) throws -> ReducedSearch {
    ReducedSearch(spec: try Catalogue.spec("bench/tdx-teardown"), values: values)
  }

  /// The counts that TLC and Rumur's exhaustive symmetry reduction agree on (tdx-model.md).
  @Test(
    "orbits and transitions of the benchmark model",
    arguments: [
      (["N": 2, "P": 3, "L": 2, "F": 1], 7_254, 33_570)
    ])
  func orbits(values: [String: Int], states: Int, transitions: Int) throws {
    let found = try Self.bench(values).run(Self.symmetry).result
    #expect(found.end == .exhausted)
    #expect(found.states == states)
    #expect(found.transitions == transitions)
  }

  /// With two files the pages of one file are interchangeable, and the files with all their pages.
  @Test("orbits are those of brute force, and their sizes add up to the unreduced count")
  func bruteForce() throws {
    for values in [
      ["N": 2, "P": 2, "L": 1, "F": 2], ["N": 1, "P": 3, "L": 1, "F": 2],
      ["N": 2, "P": 2, "L": 2, "F": 1],
    ] {
      let search = try Self.bench(values)
      let program = try search.program(Reduction())
      let group = SymmetryGroup(program, program.properties)
      let everything = group.components.reduce([Permutation()]) { all, component in
        all.flatMap { permutation in component.permutations.map { permutation.joined($0) } }
      }
      var orbits: [[Int]: Set<[Int]>] = [:]
      let states = try Reached(program, limit: .max).states
      for state in states {
        let orbit = Set(everything.map { $0.apply(to: state, of: program) })
        let smallest = try #require(orbit.min { $0.lexicographicallyPrecedes($1) })
        orbits[smallest] = orbit
      }
      #expect(orbits.values.reduce(0) { $0 + $1.count } == states.count)
      #expect(try search.run(Self.symmetry).result.states == orbits.count)
    }
  }

  @Test("permuted states have the permuted successors", arguments: Catalogue.all.map(\.name))
  func automorphism(name: String) throws {
    let spec = try Catalogue.spec(name)
    let resolved = try ResolvedScope(spec)
    let program = try Program(spec, resolved)
    let group = SymmetryGroup(program, program.properties.filter { !$0.isScenario })
    let interpreter = Interpreter(program)
    let states = try Reached(program, limit: 150).states
    for permutation in group.components.flatMap({ $0.permutations.suffix(3) }) {
      // A spec whose calls have thousands of arguments is compared in fewer states.
      var compared = 0
      for state in states where compared < 5_000 {
        let moved = permutation.apply(to: state, of: program)
        let one = try Set(interpreter.transitions(from: moved).map(\.state))
        let other = try Set(
          interpreter.transitions(from: state).map { permutation.apply(to: $0.state, of: program) })
        #expect(one == other, "\(name): \(permutation)")
        compared += one.count
      }
    }
  }

  @Test("packed plans do what permutations mean, and one orbit has one smallest state")
  func plans() throws {
    // gmem/in-place: threads remember sets, in slots that are wider for other calls.
    for (name, values) in [
      ("bench/tdx-teardown", [:]), ("tdx/hkid", [:]), ("teardown/terminate-vm-v4", [:]),
      ("gmem/in-place", ["pages": 3]), ("gmem/huge-pages", [:]),
    ] {
      let spec = try Catalogue.spec(name)
      let program = try Program(spec, try ResolvedScope(spec, overrides: values))
      let group = SymmetryGroup(program, program.properties.filter { !$0.isScenario })
      let layout = try StateLayout(program, order: Canonicaliser.cellOrder(group, program))
      let canonicaliser = Canonicaliser(group, program, layout)
      for permutation in group.components.flatMap({ $0.permutations.suffix(4) }) {
        let plan = PermutationPlan(permutation, program, layout)
        for state in try Reached(program, limit: 150).states {
          var (packed, target) = (Packed(state, layout), Packed(state, layout))
          plan.apply(packed.words, into: &target.words)
          let moved = permutation.apply(to: state, of: program)
          #expect(layout.unpack(target.words) == moved)
          canonicaliser.canonicalise(&packed.words)
          var other = Packed(moved, layout)
          canonicaliser.canonicalise(&other.words)
          #expect(packed.words == other.words)
        }
      }
    }
  }

  /// Of 8! · 4! · 2! products of permutations those are made that keep both tables.
  @Test("permutations of sorts that tables tie together are found without trying all products")
  func tied() throws {
    let spec = try Catalogue.spec("gmem/huge-pages")
    for (sizes, order) in [
      (["huges": 2, "mids": 4, "pages": 8], 128), (["huges": 1, "mids": 2, "pages": 4], 8),
      (["huges": 2, "mids": 2, "pages": 4], 8),
    ] {
      let program = try Program(spec, try ResolvedScope(spec, overrides: sizes))
      let group = SymmetryGroup(program, program.properties.filter { !$0.isScenario })
      let component = try #require(
        group.components.first { $0.sorts.contains { $0.name == "Page" } })
      #expect(component.order == order)
      #expect(Set(component.permutations).count == order)
      #expect(component.permutations[0].isIdentity)
      for permutation in component.permutations {
        for table in program.tables {
          for (key, value) in table.values.enumerated() {
            let image = table.values[permutation.image(of: key, table.key)]
            #expect(image == permutation.code(value, table.value))
          }
        }
      }
    }
    // More than can be tried: 12 pages in one part.
    let values = ["huges": 1, "mids": 1, "pages": 12]
    let program = try Program(spec, try ResolvedScope(spec, overrides: values))
    let group = SymmetryGroup(program, [])
    #expect(group.components.allSatisfy { $0.sorts.count == 1 || $0.order <= 5_040 })
  }

  @Test("what tells elements apart is found and named") func excluded() throws {
    let spec = try Catalogue.spec("teardown/terminate-vm-v4")
    let program = try Program(spec, try ResolvedScope(spec))
    let group = SymmetryGroup(program, program.properties.filter { !$0.isScenario })
    #expect(group.excluded.map(\.sort.name) == ["VCPU"])
    #expect(group.excluded.first?.reason.contains("increasing order") == true)
    #expect(group.text == "File×Page 2, Thread 2")
    // Two pages in one file: they are removed in increasing order.
    let one = try Program(spec, try ResolvedScope(spec, overrides: ["files": 1]))
    let rest = SymmetryGroup(one, one.properties.filter { !$0.isScenario })
    #expect(rest.excluded.map(\.sort.name).sorted() == ["Page", "VCPU"])
  }
}

/// The first states of a spec, by the interpreter.
struct Reached {
  private(set) var states: [[Int]] = []

  init(_ program: Program, limit: Int) throws {
    let interpreter = Interpreter(program)
    var seen: Set<[Int]> = [program.initial]
    states = [program.initial]
    var next = 0
    while next < states.count, states.count < limit {
      for transition in try interpreter.transitions(from: states[next])
      where seen.insert(transition.state).inserted {
        states.append(transition.state)
      }
      next += 1
    }
  }
}

/// A packed state that tests can compare.
struct Packed {
  var words: [UInt64]

  init(_ cells: [Int], _ layout: StateLayout) {
    words = [UInt64](repeating: 0, count: layout.words)
    layout.pack(cells, into: &words)
  }
}
