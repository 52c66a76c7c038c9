/// Deliberate mistakes of the encoding.
///
/// A comparison of evaluators that finds nothing is only worth something if it would have found
/// what people do get wrong; tests switch one of these on and expect it to be found.
package enum EncoderFault: CaseIterable, Sendable {
  /// The last cell changes as it likes in steps that do not write it.
  case frame
  /// A constant is written without regard to the lowest value of its cell.
  case offset
  /// A claim holds although a step out of the state is not well defined.
  case mistakes
}
