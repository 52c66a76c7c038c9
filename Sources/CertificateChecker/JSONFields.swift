import Foundation

/// The fields of a JSON object, with errors that name them.
struct JSONFields {
  private let object: [String: Any]
  private let place: String

  init(_ object: [String: Any], _ place: String) {
    self.object = object
    self.place = place
  }

  /// - Throws: a problem of the form when the bytes are no JSON object.
  static func object(_ bytes: [UInt8], _ place: String) throws(CertificateProblem) -> [String: Any]
  {
    guard
      let value = try? JSONSerialization.jsonObject(with: Data(bytes)),
      let object = value as? [String: Any]
    else { throw CertificateProblem(.form, "the \(place) is no JSON object") }
    return object
  }

  func number(_ name: String) throws(CertificateProblem) -> Int {
    guard let number = Self.whole(object[name]) else {
      throw CertificateProblem(.form, "\(place).\(name) is no whole number")
    }
    return number
  }

  func text(_ name: String) throws(CertificateProblem) -> String {
    guard let text = object[name] as? String else {
      throw CertificateProblem(.form, "\(place).\(name) is no text")
    }
    return text
  }

  func list(_ name: String) throws(CertificateProblem) -> [Any] {
    guard let list = object[name] as? [Any] else {
      throw CertificateProblem(.form, "\(place).\(name) is no array")
    }
    return list
  }

  /// An array of arrays of numbers from 0 to below the bound.
  func rows(_ name: String, below bound: Int) throws(CertificateProblem) -> [[Int]] {
    var rows: [[Int]] = []
    for (index, row) in try list(name).enumerated() {
      let numbers = (row as? [Any])?.map { Self.whole($0) }
      guard let numbers, numbers.allSatisfy({ $0.map { $0 >= 0 && $0 < bound } ?? false }) else {
        throw CertificateProblem(.form, "\(place).\(name)[\(index)] is no row of numbers in range")
      }
      rows.append(numbers.compactMap { $0 })
    }
    return rows
  }

  /// Truth values are numbers to Foundation, but not here; neither are fractions.
  private static func whole(_ value: Any?) -> Int? {
    guard let number = value as? NSNumber, !CanonicalJSON.isTruth(number) else { return nil }
    return Int(exactly: number.doubleValue)
  }
}

/// One text for each JSON value, whatever order its keys had.
enum CanonicalJSON {
  static func text(_ value: Any) -> String {
    switch value {
    case let text as String: return "\"\(escaped(text))\""
    case let list as [Any]: return "[\(list.map { Self.text($0) }.joined(separator: ","))]"
    case let object as [String: Any]:
      let members = object.sorted { $0.key < $1.key }.map {
        "\"\(escaped($0.key))\":\(Self.text($0.value))"
      }
      return "{\(members.joined(separator: ","))}"
    case let number as NSNumber:
      return isTruth(number) ? (number.boolValue ? "true" : "false") : number.stringValue
    default: return "null"
    }
  }

  /// Two different texts must not look alike once they are in quotes.
  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
  }

  static func isTruth(_ number: NSNumber) -> Bool {
    String(cString: number.objCType) == "c" || String(cString: number.objCType) == "B"
  }
}
