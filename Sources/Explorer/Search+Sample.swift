import SpecLanguage
import SpecProgram

extension Search {
  /// At most so many of the stored states, spread evenly over the store, in an order that has
  /// nothing to do with their depth. The same in every run.
  ///
  /// Goes over the whole store once.
  public func sample(most: Int) -> [[Int]] {
    guard most > 0 else { return [] }
    let step = max(1, (store.count + most - 1) / most)
    var result: [[Int]] = []
    var index = 0
    store.forEachState { (state: UnsafePointer<UInt64>) -> Bool in
      if index % step == 0 { result.append(engine.layout.unpack(state)) }
      index += 1
      return true
    }
    return result
  }
}
