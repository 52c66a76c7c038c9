import Catalogue
import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

@Suite("Packed states") struct LayoutTests {
  struct Wide: SpecPart {
    enum Word: Sort {}
    let words: Parameter
    let a = Var(0, in: -1...((1 << 40) - 2))
    let b = Var(false)
    let wide: Map<Word, Int>
    let c = Var(Color.green)
    let d = Map(V.self, Color?.none)
    let set = Var(SetOf<V>.all)
    let one = Var(7, in: 7...7)
    let e = Var(0, in: 0...((1 << 20) - 1))

    init(words: Int) {
      self.words = Parameter("words", of: Word.self, 0...8, default: words)
      wide = Map(Word.self, 0, in: 0...((1 << 62) - 1))
    }
  }

  static func program(words: Int) throws -> Program {
    try Program(describe(Wide(words: words - 2)) {}, ["V": 5])
  }

  private func bits(_ layout: StateLayout) -> [Set<Int>] {
    var used = [Set<Int>](repeating: [], count: layout.words)
    for field in layout.fields {
      for bit in field.shift..<field.shift + field.width {
        #expect(used[field.word].insert(bit).inserted, "bit \(bit) of word \(field.word)")
      }
    }
    return used
  }

  @Test("fields never overlap and leave bit 63 of word 0 free", arguments: 2...4)
  func fields(words: Int) throws {
    let program = try Self.program(words: words)
    let layout = try StateLayout(program)
    #expect(layout.words == words)
    let used = bits(layout)
    #expect(!used[0].contains(63))
    #expect(used.allSatisfy { $0.allSatisfy { (0..<64).contains($0) } })
    #expect(used.map(\.count).reduce(0, +) == layout.bits)
    for (cell, field) in zip(program.cells, layout.fields) where cell.count > 1 {
      #expect(cell.count - 1 <= Int(field.low))
      #expect(cell.count > 1 << (field.width - 1))
    }
  }

  @Test("the bundled specs' fields", arguments: Catalogue.all.map(\.name))
  func bundled(name: String) throws {
    let description = try #require(Catalogue.entry(named: name)).describe()
    let layout = try StateLayout(Program(description, [:]))
    #expect(!bits(layout)[0].contains(63))
  }

  @Test("what is packed comes back", arguments: 1...4) func roundTrip(words: Int) throws {
    let program =
      words == 1
      ? try Program(describe(Diagnosed()) {}, ["V": 20]) : try Self.program(words: words)
    let layout = try StateLayout(program)
    #expect(layout.words == words)
    var random = SplitMix(seed: UInt64(words))
    let target = UnsafeMutablePointer<UInt64>.allocate(capacity: layout.words)
    defer { target.deallocate() }
    for round in 0..<500 {
      let state = program.cells.map { cell in
        switch round {
        case 0: 0
        case 1: cell.count - 1
        default: random.below(cell.count)
        }
      }
      // Nothing that was there before may shine through.
      for word in 0..<layout.words { target[word] = random.next() }
      layout.pack(state, into: target)
      #expect(target[0] >> 63 == 0)
      #expect(layout.unpack(target) == state)
    }
  }

  @Test("a width is just enough") func widths() {
    #expect([0, 1, 2, 3, 4, 5, 64, 65].map(StateLayout.width) == [0, 0, 1, 2, 2, 3, 6, 7])
    #expect(StateLayout.width(of: 1 << 62) == 62)
  }
}
