import SpecLanguage

extension GuardTable {
  /// Writes the successors of one state one behind the other, and the positions of their rules
  /// into `taken`.
  ///
  /// - Parameters:
  ///   - target: room for `maxSuccessors` states.
  ///   - words: words of a state; a literal 1 makes the code for small states.
  /// - Returns: how many there are, or -1 - position when a rule that is a mistake fired.
  @inline(__always)
  func successors(
    _ state: UnsafePointer<UInt64>, _ target: UnsafeMutablePointer<UInt64>, words: Int
  ) -> Int {
    var found = 0
    var group = groups
    let end = groups + groupCount
    while group != end {
      found = successors(state, target, in: group, found, words: words)
      if found < 0 { break }
      group += 1
    }
    return found
  }

  /// Appends the successors by the rules of one group to `known` others.
  @inline(__always)
  func successors(
    _ state: UnsafePointer<UInt64>, _ target: UnsafeMutablePointer<UInt64>,
    in group: UnsafePointer<Group>, _ known: Int, words: Int
  ) -> Int {
    let word = words == 1 ? state[0] : state[group.pointee.word]
    let location = Int(truncatingIfNeeded: (word &>> group.pointee.shift) & group.pointee.low)
    let block = group.pointee.blocks + location
    var piece = block.pointee.firstPiece
    if piece == block.pointee.endPiece {
      return scan(block, state, target, known, words: words)
    }
    var found = known
    while piece < block.pointee.endPiece, found >= 0 {
      found = lookUp(pieces + Int(piece), state, target, found, words: words)
      piece &+= 1
    }
    return found
  }

  // MARK: Scanned blocks

  @inline(__always)
  private func scan(
    _ block: UnsafePointer<Block>, _ state: UnsafePointer<UInt64>,
    _ target: UnsafeMutablePointer<UInt64>, _ known: Int, words: Int
  ) -> Int {
    var found = known
    var candidates = found
    var position = Int(block.pointee.start)
    let end = Int(block.pointee.end)
    // Branch-free: a rule that does not match leaves its number to be overwritten.
    while position < end {
      let row = rows + position
      let word = words == 1 ? state[0] : state[row.pointee.word]
      taken[candidates] = Int32(truncatingIfNeeded: position)
      candidates &+= word & row.pointee.mask == row.pointee.value ? 1 : 0
      position &+= 1
    }
    var candidate = found
    while candidate < candidates {
      let position = Int(taken[candidate])
      candidate &+= 1
      let out = target + found &* words
      write(position, state, out, words: words)
      if !effects[position].isPlain {
        switch finish(position, state, out) {
        case .refused: continue
        case .fault: return -1 &- position
        case .done: break
        }
      }
      fired[position] &+= 1
      taken[found] = Int32(truncatingIfNeeded: position)
      found &+= 1
    }
    return found
  }

  // MARK: Indexed blocks

  @inline(__always)
  private func lookUp(
    _ piece: UnsafePointer<Piece>, _ state: UnsafePointer<UInt64>,
    _ target: UnsafeMutablePointer<UInt64>, _ known: Int, words: Int
  ) -> Int {
    var found = known
    let planes = piece.pointee.index.planes
    let width = piece.pointee.forbiddingPlanes
    let forbidding = piece.pointee.forbidding
    let first = piece.pointee.first
    var left = piece.pointee.index.answer(0, state, words: words)
    if left == 0 { return found }
    // Copies, so that a write to a successor does not make the compiler read the fields again.
    let (facts, taken, fired, effects) = (facts, taken, fired, effects)
    let firstFacts = piece.pointee.index.answer(1, state, words: words)
    facts[1] = firstFacts
    var plane = 2
    while plane < planes {
      facts[plane] = piece.pointee.index.answer(plane, state, words: words)
      plane &+= 1
    }
    while left != 0 {
      let bit = left.trailingZeroBitCount
      left &= left &- 1
      let position = first &+ bit
      let row = forbidding + bit &* width
      var against = firstFacts & row[0]
      plane = 1
      while plane < width {
        against |= facts[1 &+ plane] & row[plane]
        plane &+= 1
      }
      let out = target + found &* words
      write(position, state, out, words: words)
      patch(position, out, words: words)
      if !effects[position].isPlain {
        if against != 0 { continue }
        switch finish(position, state, out) {
        case .refused: continue
        case .fault: return -1 &- position
        case .done: break
        }
      }
      // Branch-free: a successor that is forbidden is overwritten by the next one.
      let fires = against == 0 ? 1 : 0
      taken[found] = Int32(truncatingIfNeeded: position)
      fired[position] &+= UInt64(truncatingIfNeeded: fires)
      found &+= fires
    }
    return found
  }

  // MARK: Effects

  @inline(__always)
  private func write(
    _ position: Int, _ state: UnsafePointer<UInt64>, _ out: UnsafeMutablePointer<UInt64>,
    words: Int
  ) {
    let mask = masks + position &* words &* 2
    var word = 0
    repeat {
      out[word] = state[word] & mask[2 &* word] | mask[2 &* word &+ 1]
      word &+= 1
    } while word < words
  }

  @inline(__always)
  private func patch(_ position: Int, _ out: UnsafeMutablePointer<UInt64>, words: Int) {
    var patch = patches + Int(effects[position].patchStart)
    let end = patches + Int(effects[position].patchEnd)
    if words == 1 {
      var word = out[0]
      while patch != end {
        word = patched(patch, word)
        patch += 1
      }
      out[0] = word
    } else {
      while patch != end {
        let place = out + Int(patch.pointee.word)
        place.pointee = patched(patch, place.pointee)
        patch += 1
      }
    }
  }

  /// A word with a patch applied, if its fact holds.
  @inline(__always)
  private func patched(_ patch: UnsafePointer<Patch>, _ word: UInt64) -> UInt64 {
    let bit = UInt64(truncatingIfNeeded: patch.pointee.bit)
    let holds = (facts[Int(patch.pointee.plane)] &>> bit) & 1 != 0
    return holds ? word & patch.pointee.keep | patch.pointee.set : word
  }

  private enum Ending {
    case done
    case refused
    case fault
  }

  /// What takes code: the rest of a guard, then the rest of the writes.
  @inline(never)
  private func finish(
    _ position: Int, _ state: UnsafePointer<UInt64>, _ out: UnsafeMutablePointer<UInt64>
  ) -> Ending {
    let effect = effects[position]
    if effect.guardCode >= 0, !code.run(effect.guardCode, state, out) { return .refused }
    if effect.isFault { return .fault }
    if effect.writeCode >= 0 { _ = code.run(effect.writeCode, state, out) }
    return .done
  }
}
