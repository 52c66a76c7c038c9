/// One instruction over packed words. `yes` and `no` are the instructions that follow.
struct MaskOp {
  enum Kind: UInt8 {
    /// `(s[word] & mask) == value`.
    case testMask
    /// The bit of `value` that the field selects.
    case testTable
    /// `d[word] = (d[word] & mask) | value`.
    case apply
    case pushConst
    /// The field's code plus `value`.
    case pushField
    case add
    case subtract
    case testEqual
    case testLess
    /// Takes a number, subtracts `value` and puts it into the field.
    case store
    case accept
    case reject
  }

  var mask: UInt64 = 0
  var value: UInt64 = 0
  var yes: Int32 = 0
  var no: Int32 = 0
  var word: UInt16 = 0
  var kind: Kind
  var shift: UInt8 = 0
}

/// Code for conditions and writes, and the machine that runs it.
///
/// Conditions are branching programs: every test names the instruction for each answer, so that
/// and/or cost nothing and evaluation stops at the first part that decides.
final class MaskCode {
  private(set) var ops: UnsafeMutablePointer<MaskOp>
  private let count: Int
  private let stack: UnsafeMutablePointer<Int>

  init(_ code: [MaskOp]) {
    count = max(code.count, 1)
    ops = .allocate(capacity: count)
    ops.initialize(repeating: MaskOp(kind: .reject), count: count)
    for (index, op) in code.enumerated() { ops[index] = op }
    // No run can hold more numbers than there are instructions that push one.
    let depth = code.count { $0.kind == .pushConst || $0.kind == .pushField } + 1
    stack = .allocate(capacity: depth)
    stack.initialize(repeating: 0, count: depth)
  }

  deinit {
    ops.deallocate()
    stack.deallocate()
  }

  /// Runs from an instruction: tests read `source`, writes go to `target`.
  @inline(__always)
  func run(
    _ start: Int32, _ source: UnsafePointer<UInt64>, _ target: UnsafeMutablePointer<UInt64>
  ) -> Bool {
    var pc = Int(start)
    var top = 0
    while true {
      let op = ops + pc
      let word = Int(op.pointee.word)
      switch op.pointee.kind {
      case .testMask:
        let holds = source[word] & op.pointee.mask == op.pointee.value
        pc = Int(holds ? op.pointee.yes : op.pointee.no)
      case .testTable:
        let code = (source[word] &>> UInt64(op.pointee.shift)) & op.pointee.mask
        pc = Int((op.pointee.value &>> code) & 1 != 0 ? op.pointee.yes : op.pointee.no)
      case .apply:
        target[word] = target[word] & op.pointee.mask | op.pointee.value
        pc = Int(op.pointee.yes)
      case .accept: return true
      case .reject: return false
      default:
        pc = arithmetic(op, source, target, &top)
      }
    }
  }

  @inline(never)
  private func arithmetic(
    _ op: UnsafePointer<MaskOp>, _ source: UnsafePointer<UInt64>,
    _ target: UnsafeMutablePointer<UInt64>, _ top: inout Int
  ) -> Int {
    let word = Int(op.pointee.word)
    let shift = UInt64(op.pointee.shift)
    let literal = Int(bitPattern: UInt(op.pointee.value))
    switch op.pointee.kind {
    case .pushConst:
      stack[top] = literal
      top &+= 1
    case .pushField:
      stack[top] = Int(truncatingIfNeeded: source[word] &>> shift & op.pointee.mask) &+ literal
      top &+= 1
    case .add:
      top &-= 1
      stack[top &- 1] = stack[top &- 1] &+ stack[top]
    case .subtract:
      top &-= 1
      stack[top &- 1] = stack[top &- 1] &- stack[top]
    case .testEqual:
      top &-= 2
      return Int(stack[top] == stack[top &+ 1] ? op.pointee.yes : op.pointee.no)
    case .testLess:
      top &-= 2
      return Int(stack[top] < stack[top &+ 1] ? op.pointee.yes : op.pointee.no)
    case .store:
      top &-= 1
      let code = UInt64(truncatingIfNeeded: stack[top] &- literal) & op.pointee.mask
      target[word] = target[word] & ~(op.pointee.mask &<< shift) | code &<< shift
    default:
      break
    }
    return Int(op.pointee.yes)
  }
}
