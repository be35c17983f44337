// SPDX-License-Identifier: Apache-2.0
import Hummingbird
import AsyncHTTPClient
import GRDB
import TOMLKit
import Crypto
@main struct Main { static func main() { print("daemon") } }
