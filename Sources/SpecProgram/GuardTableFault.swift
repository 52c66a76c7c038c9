/// Deliberate mistakes of the guard table, for tests of what compares it with the interpreter.
package enum GuardTableFault: CaseIterable, Sendable {
  /// A constant is written over a cell without clearing the bits that were there.
  case staleBits
  /// What of a scanned rule's guard does not fit its mask is forgotten.
  case restOfGuard
}
