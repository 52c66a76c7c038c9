import SpecLanguage
import SpecProgram

/// A permutation of packed states, as moves of bit fields.
///
/// Built once for each permutation; applying it takes a few operations for each distance that
/// fields move, each cell that names an element, and each thread whose frame knows elements.
final class PermutationPlan {
  /// Fields of one word that move by the same distance.
  struct Move {
    var from: Int
    var to: Int
    var mask: UInt64
    var left: UInt64
    var right: UInt64
  }

  /// One field that gets another code; `table` begins at a place in `codes`, or is -1.
  struct Recode {
    var from: Int
    var fromShift: UInt64
    var to: Int
    var toShift: UInt64
    /// Slots of a frame are as wide as their widest use, so the two may differ.
    var fromLow: UInt64
    var toLow: UInt64
    var table: Int
  }

  /// What is special in the frame of one thread, by its location.
  struct Frame {
    var word: Int
    var shift: UInt64
    var low: UInt64
    /// For each location, the first of its recodes; one more entry ends the last.
    var starts: [Int]
  }

  let words: Int
  private(set) var moves: [Move] = []
  /// Recodes of variables, then those of frames.
  private(set) var recodes: [Recode] = []
  private(set) var fixedRecodes = 0
  private(set) var frames: [Frame] = []
  private(set) var codes: [UInt64] = []

  init(_ permutation: Permutation, _ program: Program, _ layout: StateLayout) {
    words = layout.words
    var targets: [(from: Int, to: Int)] = []
    for place in program.variablePlaces {
      if let value = place.value, permutation.images[value.sort] != nil {
        addRecode(
          layout.fields[place.cell], layout.fields[permutation.cell(place)], permutation,
          value)
      } else {
        targets.append((place.cell, permutation.cell(place)))
      }
    }
    fixedRecodes = recodes.count
    let threads = program.threadPlaces
    for (thread, source) in threads.enumerated() {
      let target = threads[permutation.image(of: thread, .thread)]
      targets.append((source.location, target.location))
      for (from, to) in zip(source.frame, target.frame) { targets.append((from, to)) }
      addFrame(source, target, permutation, program, layout)
    }
    addMoves(targets, layout)
  }

  private func addMoves(_ targets: [(from: Int, to: Int)], _ layout: StateLayout) {
    for (from, to) in targets {
      let (source, target) = (layout.fields[from], layout.fields[to])
      guard source.width > 0 else { continue }
      let distance = target.shift - source.shift
      let left = UInt64(max(0, distance))
      let right = UInt64(max(0, -distance))
      let known = moves.firstIndex {
        $0.from == source.word && $0.to == target.word && $0.left == left && $0.right == right
      }
      if let known {
        moves[known].mask |= source.mask
      } else {
        moves.append(
          Move(
            from: source.word, to: target.word, mask: source.mask, left: left, right: right))
      }
    }
  }

  private func addRecode(
    _ source: BitField, _ target: BitField, _ permutation: Permutation, _ value: ElementValue?
  ) {
    guard source.width > 0 else { return }
    var table = -1
    if let value, let images = permutation.images[value.sort] {
      table = codes.count
      // Every pattern of bits has an entry, so that nothing has to be checked.
      for code in 0..<1 << source.width {
        let image = code < images.count + value.offset ? permutation.code(code, value) : code
        codes.append(UInt64(image))
      }
    }
    recodes.append(
      Recode(
        from: source.word, fromShift: UInt64(source.shift), to: target.word,
        toShift: UInt64(target.shift), fromLow: source.low, toLow: target.low, table: table))
  }

  private func addFrame(
    _ source: (location: Int, frame: Range<Int>), _ target: (location: Int, frame: Range<Int>),
    _ permutation: Permutation, _ program: Program, _ layout: StateLayout
  ) {
    let field = layout.fields[source.location]
    var starts: [Int] = []
    let first = recodes.count
    for location in 0..<program.locationCount {
      starts.append(recodes.count)
      for place in program.framePlaces(at: location) {
        let moves = place.indices.contains { permutation.images[$0.sort] != nil }
        let renames = place.value.map { permutation.images[$0.sort] != nil } ?? false
        guard moves || renames else { continue }
        let from = source.frame.lowerBound + place.cell
        let to = target.frame.lowerBound + permutation.cell(place)
        addRecode(
          layout.fields[from], layout.fields[to], permutation, place.value)
      }
    }
    starts.append(recodes.count)
    guard recodes.count > first else { return }
    frames.append(
      Frame(
        word: field.word, shift: UInt64(field.shift), low: field.low, starts: starts))
  }

  /// Writes the permuted state. O(moves + recodes).
  func apply(_ state: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>) {
    for word in 0..<words { target[word] = 0 }
    moves.withUnsafeBufferPointer { moves in
      for move in moves {
        target[move.to] |= ((state[move.from] & move.mask) &<< move.left) &>> move.right
      }
    }
    guard !recodes.isEmpty else { return }
    recodes.withUnsafeBufferPointer { recodes in
      codes.withUnsafeBufferPointer { codes in
        for index in 0..<fixedRecodes { Self.recode(recodes[index], codes, state, target) }
        for frame in frames {
          let location = Int(
            truncatingIfNeeded: (state[frame.word] &>> frame.shift) & frame.low)
          for index in frame.starts[location]..<frame.starts[location + 1] {
            Self.recode(recodes[index], codes, state, target)
          }
        }
      }
    }
  }

  @inline(__always)
  private static func recode(
    _ recode: Recode, _ codes: UnsafeBufferPointer<UInt64>, _ state: UnsafePointer<UInt64>,
    _ target: UnsafeMutablePointer<UInt64>
  ) {
    var code = (state[recode.from] &>> recode.fromShift) & recode.fromLow
    if recode.table >= 0 { code = codes[recode.table &+ Int(truncatingIfNeeded: code)] }
    target[recode.to] &= ~(recode.toLow &<< recode.toShift)
    target[recode.to] |= code &<< recode.toShift
  }
}
