#if canImport(FoundationEssentials)
// What is linked statically for a guest shall stay small.
import FoundationEssentials
#else
import Foundation
#endif

/// Reads and writes the kit's data as JSON: unknown keys and duplicate keys are errors, the keys
/// of the output are sorted, and the same data gives the same bytes.
public enum StrictJSON {
  /// Decodes one document.
  ///
  /// - Throws: ``FormatError`` that names the path of the bad field, or the line of broken text.
  public static func decode<T: Decodable>(
    _ type: T.Type, from bytes: some Collection<UInt8>
  ) throws(FormatError) -> T {
    let bytes = Array(bytes)
    try JSONScanner.check(bytes)
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw FormatError(error)
    } catch {
      throw FormatError(problem: "\(error)")
    }
  }

  /// Encodes for a file: sorted keys, one field a line, a newline at the end.
  ///
  /// - Throws: ``FormatError`` when a value cannot be written as JSON.
  public static func file(_ value: some Encodable) throws(FormatError) -> [UInt8] {
    try encode(value, [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
  }

  /// Encodes for a stream: sorted keys, all on one line, a newline at the end.
  ///
  /// - Throws: ``FormatError`` when a value cannot be written as JSON.
  public static func line(_ value: some Encodable) throws(FormatError) -> [UInt8] {
    try encode(value, [.sortedKeys, .withoutEscapingSlashes])
  }

  private static func encode(
    _ value: some Encodable, _ options: JSONEncoder.OutputFormatting
  ) throws(FormatError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = options
    do {
      return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    } catch let EncodingError.invalidValue(_, context) {
      throw FormatError(
        path: FormatError.path(context.codingPath), problem: context.debugDescription)
    } catch {
      throw FormatError(problem: "\(error)")
    }
  }
}

extension Decoder {
  /// A keyed container that refuses keys other than the known ones.
  func strict<Key: CodingKey & CaseIterable>(
    _ type: Key.Type
  ) throws -> KeyedDecodingContainer<Key> {
    let known = Key.allCases.map(\.stringValue)
    let given = try container(keyedBy: AnyKey.self).allKeys
    if let key = given.sorted(by: { $0.stringValue < $1.stringValue })
      .first(where: { !known.contains($0.stringValue) })
    {
      let names = known.sorted().joined(separator: ", ")
      throw DecodingError.dataCorrupted(
        .init(codingPath: codingPath + [key], debugDescription: "is not a known key (\(names))"))
    }
    return try container(keyedBy: type)
  }

  /// An error about the value at this place.
  func error(_ problem: String) -> DecodingError {
    .dataCorrupted(.init(codingPath: codingPath, debugDescription: problem))
  }
}

extension KeyedDecodingContainer {
  /// The field, or the default when it is left out; null is an error.
  func field<T: Decodable>(_ key: Key, default value: T) throws -> T {
    contains(key) ? try decode(T.self, forKey: key) : value
  }

  /// The field, or nil when it is left out; null is an error.
  func optionalField<T: Decodable>(_ key: Key, _ type: T.Type) throws -> T? {
    contains(key) ? try decode(T.self, forKey: key) : nil
  }

  /// An error about one field.
  func error(_ key: Key, _ problem: String) -> DecodingError {
    .dataCorrupted(.init(codingPath: codingPath + [key], debugDescription: problem))
  }

  /// A text that must say something.
  func name(_ key: Key) throws -> String {
    let text = try decode(String.self, forKey: key)
    guard !text.isEmpty else { throw error(key, "must not be empty") }
    return text
  }

  /// An array that must have elements.
  func nonEmpty<T: Decodable>(_ key: Key, _ type: T.Type) throws -> [T] {
    let values = try decode([T].self, forKey: key)
    guard !values.isEmpty else { throw error(key, "must not be empty") }
    return values
  }

  /// An array of names without repetition.
  func names(_ key: Key) throws -> Set<String> {
    let values: [String] = try field(key, default: [])
    let names = Set(values)
    guard names.count == values.count else { throw error(key, "lists a name twice") }
    return names
  }
}

extension KeyedEncodingContainer {
  /// Writes the field unless it is empty.
  mutating func encodeUnlessEmpty(_ value: some Encodable & Collection, _ key: Key) throws {
    if !value.isEmpty { try encode(value, forKey: key) }
  }
}
