// SPDX-License-Identifier: Apache-2.0
// swift-format-ignore-file

/// docs/api/openapi.yaml as JSON. Written by scripts/openapi: change the document, not this.
let openAPIDocument = #"""
{
 "openapi": "3.1.0",
 "info": {
  "title": "ctr-swift",
  "version": "0.1.0",
  "summary": "Images, layers and containers of one Linux node.",
  "license": {
   "name": "Apache-2.0",
   "identifier": "Apache-2.0"
  },
  "description": "HTTP/1.1 with JSON on a Unix socket, `/run/ctr-swift/ctr-swift.sock`.\n\n**Who may connect.** root, and members of the socket's group (`ctr-swift`). Access to the socket is access to root: a bind mount of `/` can be asked for.\n\n**Requests.** A body is `application/json` of at most 1 MiB (32 KiB of headers, 128 of them, the path and each header 16 KiB). A member or a query parameter that is not described\nhere is refused, never ignored; what is not given is left out, not `null`. A request has 30 seconds to arrive; `load` 30 seconds for each piece.\n\n**Errors.** `application/problem+json` (RFC 9457). `code` is stable and can be relied on; `detail` says what was tried, on which object, and what\nthe kernel or the registry said; `remedy` says what can be done. Codes and their status:\n\n| code | status | |\n|---|---|---|\n| `invalid-request` | 400 | a body, parameter or reference that is not as described here |\n| `permission-denied` | 403 | the peer is neither root nor in the socket's group |\n| `registry-unauthorized` | 403 | the registry did not accept the credentials, or wants some |\n| `not-found` | 404 | no such path |\n| `image-not-found`, `container-not-found`, `layer-not-found`, `path-not-found`, `manifest-unknown` | 404 | |\n| `method-not-allowed` | 405 | |\n| `conflict`, `in-use` | 409 | a name that is taken, a state that does not fit, an image that a container uses |\n| `layer-damaged` | 409 | a check has found damage in a layer of the image: `POST /v1/repair` |\n| `body-too-large` | 413 | |\n| `unsupported-media-type` | 415 | |\n| `unsupported` | 422 | asked for, understood, and not to be had on this node: never dropped silently |\n| `container-start-failed`, `exec-failed` | 422 | with `exitCode` 125, 126 or 127 |\n| `too-many-layers`, `no-matching-platform`, `invalid-image`, `digest-mismatch` | 422 | what the registry or the archive offered can't be used |\n| `cancelled` | 503 | the client or the daemon gave up; nothing is left of it |\n| `shutting-down` | 503 | the daemon is being stopped; containers go on: ask its successor |\n| `registry-unavailable` | 502 | |\n| `no-space` | 507 | bytes or inodes would fall below the reserve |\n| `internal` | 500 | anything else |\n\n**Streams.** `application/x-ndjson`: one JSON object a line, sent as it happens, until the server ends the body. A client that closes its\nconnection, or its sending half, ends the stream and what feeds it (a pull that nobody else waits for is abandoned).\n\n**Containers** are named by their ID, by a prefix of it that no other has, or by their name. **Attaching** is not HTTP: `attachSocket` names the\nmonitor's own socket (docs/api/attach.md), so that a container's streams never depend on the daemon.\n"
 },
 "servers": [
  {
   "url": "http://localhost",
   "description": "The Unix socket; the host name is not looked at."
  }
 ],
 "tags": [
  {
   "name": "system"
  },
  {
   "name": "images"
  },
  {
   "name": "containers"
  },
  {
   "name": "snapshots"
  }
 ],
 "paths": {
  "/v1/version": {
   "get": {
    "tags": [
     "system"
    ],
    "operationId": "getVersion",
    "summary": "Versions of the daemon, the API and the kernel",
    "responses": {
     "200": {
      "description": "The versions.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/VersionResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     }
    }
   }
  },
  "/v1/info": {
   "get": {
    "tags": [
     "system"
    ],
    "operationId": "getInfo",
    "summary": "Where things are, what this kernel offers, and the limits in force",
    "responses": {
     "200": {
      "description": "The node.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/InfoResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/events": {
   "get": {
    "tags": [
     "system"
    ],
    "operationId": "streamEvents",
    "summary": "What happens from now on",
    "description": "Endless. The head of the answer is sent at once: what happens after it was received is not missed. A client that does not read\nfor ten minutes is disconnected.\n",
    "responses": {
     "200": {
      "description": "Event after event.",
      "content": {
       "application/x-ndjson": {
        "schema": {
         "$ref": "#/components/schemas/Event"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     }
    }
   }
  },
  "/v1/system/df": {
   "get": {
    "tags": [
     "system"
    ],
    "operationId": "getDiskUsage",
    "summary": "What the root takes, and what of it could be had back",
    "description": "Layers were measured when they were stored. Uppers are counted by the filesystem where it has project quota. Else they are walked, for at most\n20 ms: those that there was no time for are told as they were measured before (`stale`, `measuredAt`), and walked afterwards in the background.\n",
    "parameters": [
     {
      "name": "verbose",
      "in": "query",
      "description": "With `imageRows` and `snapshotRows`.",
      "schema": {
       "type": "boolean",
       "default": false
      }
     },
     {
      "$ref": "#/components/parameters/Fresh"
     }
    ],
    "responses": {
     "200": {
      "description": "The sums.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/DiskUsage"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/openapi.json": {
   "get": {
    "tags": [
     "system"
    ],
    "operationId": "getOpenAPI",
    "summary": "This document as JSON",
    "responses": {
     "200": {
      "description": "The document.",
      "content": {
       "application/json": {
        "schema": {
         "type": "object",
         "required": [
          "openapi",
          "info",
          "paths"
         ]
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     }
    }
   }
  },
  "/v1/images": {
   "get": {
    "tags": [
     "images"
    ],
    "operationId": "listImages",
    "summary": "The images",
    "responses": {
     "200": {
      "description": "One entry for each manifest.",
      "content": {
       "application/json": {
        "schema": {
         "type": "array",
         "items": {
          "$ref": "#/components/schemas/ImageSummary"
         }
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   },
   "delete": {
    "tags": [
     "images"
    ],
    "operationId": "removeImage",
    "summary": "Untag an image; delete what nothing refers to any more",
    "parameters": [
     {
      "$ref": "#/components/parameters/Reference"
     },
     {
      "name": "force",
      "in": "query",
      "description": "Also an image that containers use; they keep their layers.",
      "schema": {
       "type": "boolean",
       "default": false
      }
     }
    ],
    "responses": {
     "200": {
      "description": "What was untagged and deleted.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/RemoveImageResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/images/inspect": {
   "get": {
    "tags": [
     "images"
    ],
    "operationId": "inspectImage",
    "summary": "One image, its config and its layers",
    "parameters": [
     {
      "$ref": "#/components/parameters/Reference"
     }
    ],
    "responses": {
     "200": {
      "description": "The image.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/ImageDetail"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/images/pin": {
   "post": {
    "tags": [
     "images"
    ],
    "operationId": "pinImage",
    "summary": "Keep an image from every prune, and from removal without `force`",
    "parameters": [
     {
      "$ref": "#/components/parameters/Reference"
     }
    ],
    "responses": {
     "200": {
      "description": "The images that the reference stands for; of an index several platforms may be here.",
      "content": {
       "application/json": {
        "schema": {
         "type": "array",
         "items": {
          "$ref": "#/components/schemas/ImageSummary"
         }
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/images/unpin": {
   "post": {
    "tags": [
     "images"
    ],
    "operationId": "unpinImage",
    "summary": "Let go of an image that was pinned",
    "parameters": [
     {
      "$ref": "#/components/parameters/Reference"
     }
    ],
    "responses": {
     "200": {
      "description": "The images that the reference stands for.",
      "content": {
       "application/json": {
        "schema": {
         "type": "array",
         "items": {
          "$ref": "#/components/schemas/ImageSummary"
         }
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/prune": {
   "post": {
    "tags": [
     "images"
    ],
    "operationId": "prune",
    "summary": "Remove images that no container has, the longest unused first",
    "description": "Tagged or not, unless `dangling` is asked for; never a pinned one, and never one that a container has, running or ended. With them go the layers and\nblobs that nothing else holds; what a pull under way relies on stays. A dry run does it all and takes it back: what it tells is what a prune\nfrees, to the byte and the inode, as long as nothing else happens between the two.\n",
    "requestBody": {
     "required": false,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/PruneRequest"
       }
      }
     }
    },
    "responses": {
     "200": {
      "description": "What went, or would go.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/PruneResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/images/efficiency": {
   "get": {
    "tags": [
     "images"
    ],
    "operationId": "getImageEfficiency",
    "summary": "What an image's layers carry that its tree does not show",
    "description": "Files count with their sizes, once in their layer whatever names they have; a layer that is listed twice counts once. A file is wasted where layers above leave it no name:\nthey write it again, or delete it. The first question reads names and sizes of all layers, later ones the answer to it.\n",
    "parameters": [
     {
      "$ref": "#/components/parameters/Reference"
     }
    ],
    "responses": {
     "200": {
      "description": "The score, the sums, and the worst paths.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/ImageEfficiency"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/images/tree": {
   "get": {
    "tags": [
     "images"
    ],
    "operationId": "getImageTree",
    "summary": "An image's layers, the commands that made them, and what they take",
    "description": "The commands are those of the config's history whose steps made a layer; where their number is not the layers', none is told.\n",
    "parameters": [
     {
      "$ref": "#/components/parameters/Reference"
     }
    ],
    "responses": {
     "200": {
      "description": "The layers, from the lowest up.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/ImageTree"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/images/pull": {
   "post": {
    "tags": [
     "images"
    ],
    "operationId": "pullImage",
    "summary": "Fetch, verify and unpack an image",
    "description": "What is refused before anything has happened is answered with its own status; once the stream has begun the last line tells:\n`done` with the image, or `failed` with the problem. A stream that ends without either was cut.\n",
    "requestBody": {
     "required": true,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/PullRequest"
       }
      }
     }
    },
    "responses": {
     "200": {
      "description": "Progress.",
      "content": {
       "application/x-ndjson": {
        "schema": {
         "$ref": "#/components/schemas/PullEvent"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "403": {
      "$ref": "#/components/responses/Refused"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "502": {
      "$ref": "#/components/responses/BadGateway"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/images/load": {
   "post": {
    "tags": [
     "images"
    ],
    "operationId": "loadImage",
    "summary": "Unpack an image from an archive",
    "description": "The body is a tar archive of any size, plain or compressed with gzip or zstd: an OCI image layout, or what `docker save` writes. It is spooled under the daemon's root first\n(an index at the archive's end is normal), then handled as a pull is; the answer begins when all has arrived.\n",
    "requestBody": {
     "required": true,
     "content": {
      "application/x-tar": {
       "schema": {
        "type": "string",
        "format": "binary"
       }
      }
     }
    },
    "responses": {
     "200": {
      "description": "Progress, as of a pull; one `done` for each image of the archive.",
      "content": {
       "application/x-ndjson": {
        "schema": {
         "$ref": "#/components/schemas/PullEvent"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/registries/check": {
   "post": {
    "tags": [
     "images"
    ],
    "operationId": "checkRegistry",
    "summary": "Are these credentials good?",
    "requestBody": {
     "required": true,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/RegistryCheckRequest"
       }
      }
     }
    },
    "responses": {
     "204": {
      "description": "The registry accepted them. Nothing is stored."
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "403": {
      "$ref": "#/components/responses/Refused"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "502": {
      "$ref": "#/components/responses/BadGateway"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   }
  },
  "/v1/containers": {
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "listContainers",
    "summary": "The running containers, newest first",
    "parameters": [
     {
      "name": "all",
      "in": "query",
      "description": "Also those that do not run.",
      "schema": {
       "type": "boolean",
       "default": false
      }
     }
    ],
    "responses": {
     "200": {
      "description": "One entry for each.",
      "content": {
       "application/json": {
        "schema": {
         "type": "array",
         "items": {
          "$ref": "#/components/schemas/ContainerSummary"
         }
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     }
    }
   },
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "createContainer",
    "summary": "Make a container, and with `start=true` run it",
    "description": "The image must be here already. `container-start-failed` comes with the exit code that `run` gives back; where `autoRemove` was\nasked for, nothing is left of the container then.\n",
    "parameters": [
     {
      "name": "start",
      "in": "query",
      "schema": {
       "type": "boolean",
       "default": false
      }
     }
    ],
    "requestBody": {
     "required": true,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/CreateContainerRequest"
       }
      }
     }
    },
    "responses": {
     "201": {
      "description": "It is there; with `start=true` its process runs.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/CreateContainerResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/containers/{id}": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "inspectContainer",
    "summary": "Everything known of one container",
    "responses": {
     "200": {
      "description": "The container.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/ContainerDetail"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   },
   "delete": {
    "tags": [
     "containers"
    ],
    "operationId": "removeContainer",
    "summary": "Remove a container with its writable layer and its log",
    "parameters": [
     {
      "name": "force",
      "in": "query",
      "description": "Kill it first where it runs.",
      "schema": {
       "type": "boolean",
       "default": false
      }
     }
    ],
    "responses": {
     "204": {
      "description": "It is gone."
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/containers/{id}/start": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "startContainer",
    "summary": "Run a container that was created, or has stopped; one that runs is answered as it is",
    "responses": {
     "200": {
      "description": "Its process runs.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/CreateContainerResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/containers/{id}/stop": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "stopContainer",
    "summary": "Send the stop signal, wait, then SIGKILL",
    "description": "Answers when the process has ended; a container that has ended already is answered with its exit record. A client that goes away\nmeanwhile does not call the stop off. Where PID 1 can't hear the signal (`unheard`), SIGKILL follows at once, but with `waitFull` or a time of -1.\nA restart policy does not start it again.\n",
    "requestBody": {
     "required": false,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/StopRequest"
       }
      }
     }
    },
    "responses": {
     "200": {
      "description": "How it ended.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/StopResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   }
  },
  "/v1/containers/{id}/restart": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "restartContainer",
    "summary": "Stop it where it runs, and start it",
    "requestBody": {
     "required": false,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/StopRequest"
       }
      }
     }
    },
    "responses": {
     "200": {
      "description": "Its process runs.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/CreateContainerResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/containers/{id}/rename": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "renameContainer",
    "summary": "Give it another name",
    "requestBody": {
     "required": true,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/RenameRequest"
       }
      }
     }
    },
    "responses": {
     "204": {
      "description": "It has the name."
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/containers/{id}/kill": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "killContainer",
    "summary": "Send a signal to PID 1",
    "requestBody": {
     "required": false,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/KillRequest"
       }
      }
     }
    },
    "responses": {
     "204": {
      "description": "It was sent."
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/containers/{id}/pause": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "pauseContainer",
    "summary": "Stop every process where it is",
    "description": "Answers when all stand still; one that is paused is answered as it is. The state lasts beyond the daemon. A stop, a kill with KILL and a\nremoval by force end a paused container.\n",
    "responses": {
     "204": {
      "description": "They stand still."
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/containers/{id}/unpause": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "unpauseContainer",
    "summary": "Let the processes of a paused container go on",
    "responses": {
     "204": {
      "description": "They go on."
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/containers/{id}/update": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "updateContainer",
    "summary": "Change limits, at once and for later starts",
    "description": "`conflict` where the kernel does not take a limit, as one that is below what is used: all limits are then as they were.\n",
    "requestBody": {
     "required": true,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/UpdateContainerRequest"
       }
      }
     }
    },
    "responses": {
     "200": {
      "description": "Every limit that holds now.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/UpdateContainerResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/containers/{id}/processes": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "listProcesses",
    "summary": "The processes of a container that runs, by number",
    "responses": {
     "200": {
      "description": "One entry for each.",
      "content": {
       "application/json": {
        "schema": {
         "type": "array",
         "items": {
          "$ref": "#/components/schemas/ContainerProcess"
         }
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/stats": {
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "streamStatistics",
    "summary": "What containers use",
    "description": "One sample, or with `follow` sample after sample: endless, but with `containers`, when all of them have ended. The first one comes after\nhalf a second, which is the time that its CPU percentage is of.\n",
    "parameters": [
     {
      "name": "containers",
      "in": "query",
      "description": "Names or IDs of containers that run, with commas between; left out, all that run.",
      "schema": {
       "type": "string",
       "minLength": 1,
       "maxLength": 65536
      }
     },
     {
      "name": "follow",
      "in": "query",
      "schema": {
       "type": "boolean",
       "default": false
      }
     },
     {
      "name": "interval",
      "in": "query",
      "description": "Milliseconds between two samples.",
      "schema": {
       "type": "integer",
       "format": "int32",
       "minimum": 100,
       "maximum": 3600000,
       "default": 1000
      }
     }
    ],
    "responses": {
     "200": {
      "description": "Sample after sample.",
      "content": {
       "application/x-ndjson": {
        "schema": {
         "$ref": "#/components/schemas/StatisticsSample"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/containers/{id}/exec": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "execInContainer",
    "summary": "Run a further process in a running container",
    "description": "Answers when its program runs; `exec-failed` comes with the exit code that `exec` gives back. A client has a minute to attach at\n`attachSocket` (docs/api/attach.md); when it goes before the process has ended, the process and what it has started are killed. With `detach`\nnobody attaches, and it goes on by itself. `conflict`: the container does not run, or is paused.\n",
    "requestBody": {
     "required": true,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/ExecRequest"
       }
      }
     }
    },
    "responses": {
     "201": {
      "description": "It runs.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/ExecResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/containers/{id}/healthcheck": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "runHealthcheck",
    "summary": "Ask for its health now",
    "description": "Answered when the probe has ended, which its timeout limits. It counts as every other; one that is under way is the one.",
    "responses": {
     "200": {
      "description": "What it says.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/HealthRunResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   }
  },
  "/v1/containers/{id}/wait": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "post": {
    "tags": [
     "containers"
    ],
    "operationId": "waitContainer",
    "summary": "Wait for the end, or for health",
    "parameters": [
     {
      "name": "condition",
      "in": "query",
      "description": "`stopped`: the process has ended (at once, where it has already). `removed`: and all that it had is gone, as after `autoRemove`.\n`healthy`: its health check succeeds; 409 when it ends before.\n",
      "schema": {
       "type": "string",
       "enum": [
        "stopped",
        "removed",
        "healthy"
       ],
       "default": "stopped"
      }
     }
    ],
    "responses": {
     "200": {
      "description": "How it ended, or that it is healthy.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/WaitResponse"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   }
  },
  "/v1/containers/{id}/logs": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "streamLogs",
    "summary": "What the container wrote to stdout and stderr, oldest first",
    "parameters": [
     {
      "name": "follow",
      "in": "query",
      "description": "Go on until the container has ended.",
      "schema": {
       "type": "boolean",
       "default": false
      }
     },
     {
      "name": "tail",
      "in": "query",
      "description": "Only the last so many of the records that `since` and `until` select.",
      "schema": {
       "type": "integer",
       "format": "int32",
       "minimum": 0,
       "maximum": 2147483647
      }
     },
     {
      "name": "since",
      "in": "query",
      "description": "Only from this time on; RFC 3339.",
      "schema": {
       "type": "string",
       "minLength": 1,
       "maxLength": 64
      }
     },
     {
      "name": "until",
      "in": "query",
      "description": "Only up to this time; following ends there.",
      "schema": {
       "type": "string",
       "minLength": 1,
       "maxLength": 64
      }
     }
    ],
    "responses": {
     "200": {
      "description": "Record after record.",
      "content": {
       "application/x-ndjson": {
        "schema": {
         "$ref": "#/components/schemas/LogRecord"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/containers/{id}/files": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "getFileStatus",
    "summary": "One object of a container",
    "description": "Paths are the container's own: links are followed as in it, and never lead out of it. It may run or not; one that does not run is refused while it\nstarts or is removed, and is not started meanwhile.\n",
    "parameters": [
     {
      "$ref": "#/components/parameters/ContainerPath"
     },
     {
      "$ref": "#/components/parameters/FollowLink"
     }
    ],
    "responses": {
     "200": {
      "description": "What is there.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/PathStatus"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   }
  },
  "/v1/containers/{id}/archive": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "getArchive",
    "summary": "An object of a container, and all below it, as a tar",
    "description": "The first entry is named by the path's last component (\".\" for the root). With owners, modes, times, links, devices, user attributes and capabilities; sparse\nfiles in GNU's form; without sockets. An archive that comes to an error is cut short.\n",
    "parameters": [
     {
      "$ref": "#/components/parameters/ContainerPath"
     },
     {
      "$ref": "#/components/parameters/FollowLink"
     }
    ],
    "responses": {
     "200": {
      "description": "The archive.",
      "content": {
       "application/x-tar": {
        "schema": {
         "type": "string",
         "format": "binary"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   },
   "put": {
    "tags": [
     "containers"
    ],
    "operationId": "putArchive",
    "summary": "Unpack a tar into a directory of a container",
    "description": "Files and links take the place of files and links, directories are merged; what would put one in the place of the other is refused. What was unpacked\nbefore an error stays.\n",
    "parameters": [
     {
      "$ref": "#/components/parameters/ContainerPath"
     },
     {
      "name": "keepOwners",
      "in": "query",
      "description": "Owners, setuid bits and capabilities as in the archive; else everything becomes root's.",
      "schema": {
       "type": "boolean",
       "default": false
      }
     }
    ],
    "requestBody": {
     "required": true,
     "content": {
      "application/x-tar": {
       "schema": {
        "type": "string",
        "format": "binary"
       }
      }
     }
    },
    "responses": {
     "204": {
      "description": "It is all there."
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  },
  "/v1/containers/{id}/export": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "exportContainer",
    "summary": "The container's root as a tar, without what is mounted in it",
    "responses": {
     "200": {
      "description": "The archive.",
      "content": {
       "application/x-tar": {
        "schema": {
         "type": "string",
         "format": "binary"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   }
  },
  "/v1/containers/{id}/changes": {
   "parameters": [
    {
     "$ref": "#/components/parameters/Container"
    }
   ],
   "get": {
    "tags": [
     "containers"
    ],
    "operationId": "listChanges",
    "summary": "What the container has made of its image, in the order of the tree",
    "description": "A directory is changed where something in it is. What stands empty where something is mounted is left out.",
    "responses": {
     "200": {
      "description": "Change after change.",
      "content": {
       "application/x-ndjson": {
        "schema": {
         "$ref": "#/components/schemas/FileChange"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   }
  },
  "/v1/snapshots": {
   "get": {
    "tags": [
     "snapshots"
    ],
    "operationId": "listSnapshots",
    "summary": "The layers, and the containers' writable layers",
    "description": "Uppers that half a second is not enough for are told as they were measured before.",
    "parameters": [
     {
      "$ref": "#/components/parameters/Fresh"
     }
    ],
    "responses": {
     "200": {
      "description": "One entry for each directory.",
      "content": {
       "application/json": {
        "schema": {
         "type": "array",
         "items": {
          "$ref": "#/components/schemas/SnapshotSummary"
         }
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/snapshots/usage": {
   "get": {
    "tags": [
     "snapshots"
    ],
    "operationId": "getSnapshotUsage",
    "summary": "What they take on disk, and what sharing saves",
    "description": "Lowers are measured once, at commit; uppers now, or, where half a second is not enough, as they were measured before.",
    "parameters": [
     {
      "$ref": "#/components/parameters/Fresh"
     }
    ],
    "responses": {
     "200": {
      "description": "The sums.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/SnapshotUsage"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/snapshots/tree": {
   "get": {
    "tags": [
     "snapshots"
    ],
    "operationId": "getSnapshotTree",
    "summary": "Which images stand on which layers",
    "responses": {
     "200": {
      "description": "Every image's stack, and every layer once.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/SnapshotTree"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/snapshots/owner": {
   "get": {
    "tags": [
     "snapshots"
    ],
    "operationId": "getSnapshotOwner",
    "summary": "To what a path belongs",
    "description": "A path of the host, below the root: by its name, whether something is there or not. With `container` a path in that container, whether it runs or\nnot: from which of its layers it comes; `invalid-request` where it has nothing there.\n",
    "parameters": [
     {
      "name": "path",
      "in": "query",
      "required": true,
      "description": "Absolute.",
      "schema": {
       "type": "string",
       "minLength": 1,
       "maxLength": 4096
      }
     },
     {
      "name": "container",
      "in": "query",
      "description": "The ID, a prefix that no other container's ID has, or the name.",
      "schema": {
       "type": "string",
       "minLength": 1,
       "maxLength": 128
      }
     }
    ],
    "responses": {
     "200": {
      "description": "The owner.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/SnapshotOwner"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/snapshots/orphans": {
   "get": {
    "tags": [
     "snapshots"
    ],
    "operationId": "listOrphans",
    "summary": "What lies below the root without a record",
    "responses": {
     "200": {
      "description": "Normally none, but for what is being made or deleted.",
      "content": {
       "application/json": {
        "schema": {
         "type": "array",
         "items": {
          "$ref": "#/components/schemas/SnapshotOrphan"
         }
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/snapshots/uppers/{id}": {
   "get": {
    "tags": [
     "snapshots"
    ],
    "operationId": "inspectUpper",
    "summary": "What a container has written, path by path",
    "description": "Walks the writable layer now, however long it takes, also while the container runs. The result is kept: the next answer's `growth` counts\nfrom this one. A layer in memory is `unsupported`.\n",
    "parameters": [
     {
      "$ref": "#/components/parameters/Container"
     },
     {
      "name": "top",
      "in": "query",
      "description": "How many paths of a kind are named.",
      "schema": {
       "type": "integer",
       "format": "int32",
       "minimum": 0,
       "maximum": 1000,
       "default": 10
      }
     }
    ],
    "responses": {
     "200": {
      "description": "The upper.",
      "content": {
       "application/json": {
        "schema": {
         "$ref": "#/components/schemas/UpperReport"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     }
    }
   }
  },
  "/v1/fsck": {
   "post": {
    "tags": [
     "snapshots"
    ],
    "operationId": "checkStore",
    "summary": "Compare what is stored with what was recorded",
    "description": "Each layer with the listing that was written while it was unpacked, the database with itself, documents and kept blobs with their records. Containers run and\npulls go on meanwhile. Findings are no error: they come as lines, and are counted in the summary.\n",
    "requestBody": {
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/CheckRequest"
       }
      }
     }
    },
    "responses": {
     "200": {
      "description": "What is being checked, what is found, and how it ended.",
      "content": {
       "application/x-ndjson": {
        "schema": {
         "$ref": "#/components/schemas/CheckEvent"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     }
    }
   }
  },
  "/v1/repair": {
   "post": {
    "tags": [
     "snapshots"
    ],
    "operationId": "repairLayer",
    "summary": "Make a layer's files anew",
    "description": "From its kept blob, else from a registry that a reference to an image with it names; a fix-up from the layers below. The new files take the place of the old ones in\none step. Containers that run on the layer go on with the old ones until they end.\n",
    "requestBody": {
     "required": true,
     "content": {
      "application/json": {
       "schema": {
        "$ref": "#/components/schemas/RepairRequest"
       }
      }
     }
    },
    "responses": {
     "200": {
      "description": "Progress, and how it ended.",
      "content": {
       "application/x-ndjson": {
        "schema": {
         "$ref": "#/components/schemas/RepairEvent"
        }
       }
      }
     },
     "400": {
      "$ref": "#/components/responses/InvalidRequest"
     },
     "403": {
      "$ref": "#/components/responses/Refused"
     },
     "404": {
      "$ref": "#/components/responses/NotFound"
     },
     "409": {
      "$ref": "#/components/responses/Conflict"
     },
     "413": {
      "$ref": "#/components/responses/TooLarge"
     },
     "415": {
      "$ref": "#/components/responses/UnsupportedMediaType"
     },
     "422": {
      "$ref": "#/components/responses/Unprocessable"
     },
     "500": {
      "$ref": "#/components/responses/Internal"
     },
     "502": {
      "$ref": "#/components/responses/BadGateway"
     },
     "503": {
      "$ref": "#/components/responses/Unavailable"
     },
     "507": {
      "$ref": "#/components/responses/NoSpace"
     }
    }
   }
  }
 },
 "components": {
  "parameters": {
   "Container": {
    "name": "id",
    "in": "path",
    "required": true,
    "description": "The ID, a prefix that no other container's ID has, or the name.",
    "schema": {
     "type": "string",
     "minLength": 1,
     "maxLength": 128
    }
   },
   "ContainerPath": {
    "name": "path",
    "in": "query",
    "required": true,
    "description": "A path of the container, from its root on.",
    "schema": {
     "type": "string",
     "minLength": 1,
     "maxLength": 4096
    }
   },
   "FollowLink": {
    "name": "follow",
    "in": "query",
    "description": "Follow a link at the path's end.",
    "schema": {
     "type": "boolean",
     "default": false
    }
   },
   "Fresh": {
    "name": "fresh",
    "in": "query",
    "description": "Measure everything now, however long it takes.",
    "schema": {
     "type": "boolean",
     "default": false
    }
   },
   "Reference": {
    "name": "reference",
    "in": "query",
    "required": true,
    "description": "An image reference as Docker and OCI write it, or an image ID (`sha256:` and 64 digits, or a prefix of twelve or more that is no\nother's).\n",
    "schema": {
     "type": "string",
     "minLength": 1,
     "maxLength": 1024
    }
   }
  },
  "responses": {
   "InvalidRequest": {
    "description": "The request is not as described here; nothing was done.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "Refused": {
    "description": "`registry-unauthorized` or `permission-denied`.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "NotFound": {
    "description": "`container-not-found`, `image-not-found`, `layer-not-found`, `path-not-found`, `manifest-unknown`, or `not-found` for the path itself.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "Conflict": {
    "description": "`conflict`, `in-use` or `layer-damaged`: the state of things does not allow it now.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "TooLarge": {
    "description": "The body is larger than 1 MiB. The connection is closed.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "UnsupportedMediaType": {
    "description": "The body's Content-Type is not the one described here.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "Unprocessable": {
    "description": "Understood, and not possible with this image or on this node.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "Internal": {
    "description": "`internal`; `detail` names the call that failed.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "BadGateway": {
    "description": "`registry-unavailable`: it did not answer, or not as a registry.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "Unavailable": {
    "description": "`shutting-down` or `cancelled`.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   },
   "NoSpace": {
    "description": "Bytes or inodes would fall below the reserve; nothing is left of the attempt.",
    "content": {
     "application/problem+json": {
      "schema": {
       "$ref": "#/components/schemas/Problem"
      }
     }
    }
   }
  },
  "schemas": {
   "Problem": {
    "description": "RFC 9457 problem details.",
    "type": "object",
    "required": [
     "type",
     "status",
     "title",
     "detail",
     "code"
    ],
    "properties": {
     "type": {
      "type": "string",
      "format": "uri",
      "examples": [
       "urn:ctr-swift:problem:image-not-found"
      ]
     },
     "status": {
      "type": "integer",
      "description": "The HTTP status",
      "repeated.": null
     },
     "title": {
      "type": "string",
      "description": "The code in words."
     },
     "detail": {
      "type": "string",
      "description": "One line: what was tried, on which object, what was said."
     },
     "remedy": {
      "type": "string",
      "description": "What the reader can do about it."
     },
     "code": {
      "type": "string",
      "description": "A stable name; the table at the top lists them."
     },
     "exitCode": {
      "type": "integer",
      "description": "With `container-start-failed` and `exec-failed`: what `run` and `exec` give back (125, 126, 127)."
     }
    }
   },
   "Timestamp": {
    "description": "RFC 3339 with nanoseconds, UTC.",
    "type": "string",
    "format": "date-time",
    "examples": [
     "2026-01-31T12:00:00.123456789Z"
    ]
   },
   "VersionResponse": {
    "type": "object",
    "required": [
     "version",
     "api",
     "swift",
     "os",
     "architecture",
     "kernel"
    ],
    "properties": {
     "version": {
      "type": "string"
     },
     "api": {
      "type": "string",
      "examples": [
       "v1"
      ]
     },
     "swift": {
      "type": "string",
      "description": "The compiler that built the daemon."
     },
     "os": {
      "type": "string"
     },
     "architecture": {
      "type": "string"
     },
     "kernel": {
      "type": "string"
     }
    }
   },
   "InfoResponse": {
    "type": "object",
    "required": [
     "root",
     "state",
     "socket",
     "filesystem",
     "cgroups",
     "cgroupParent",
     "overlayMount",
     "maxLayers",
     "reserveBytes",
     "reserveInodes",
     "freeBytes",
     "freeInodes",
     "images",
     "containers",
     "running",
     "seccomp",
     "version"
    ],
    "properties": {
     "root": {
      "type": "string"
     },
     "state": {
      "type": "string"
     },
     "socket": {
      "type": "string"
     },
     "filesystem": {
      "type": "string",
      "description": "The type of the root's filesystem."
     },
     "cgroups": {
      "type": "string",
      "enum": [
       "v1",
       "v2",
       "hybrid"
      ]
     },
     "cgroupParent": {
      "type": "string"
     },
     "overlayMount": {
      "type": "string",
      "description": "How this kernel takes an overlay's lowerdirs: `lowerdir+` or `mount(2)`."
     },
     "maxLayers": {
      "type": "integer",
      "format": "int64"
     },
     "reserveBytes": {
      "type": "integer",
      "format": "int64",
      "description": "What unpacking leaves free."
     },
     "reserveInodes": {
      "type": "integer",
      "format": "int64"
     },
     "freeBytes": {
      "type": "integer",
      "format": "int64"
     },
     "freeInodes": {
      "type": "integer",
      "format": "int64"
     },
     "images": {
      "type": "integer",
      "format": "int64"
     },
     "containers": {
      "type": "integer",
      "format": "int64"
     },
     "running": {
      "type": "integer",
      "format": "int64"
     },
     "seccomp": {
      "type": "boolean"
     },
     "damagedLayers": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Layers in which a check has found damage: diff IDs, and behind `fixup:` chain IDs. No container is created on them before they are repaired."
     },
     "version": {
      "$ref": "#/components/schemas/VersionResponse"
     }
    }
   },
   "Event": {
    "type": "object",
    "required": [
     "time",
     "type",
     "action",
     "id",
     "attributes"
    ],
    "properties": {
     "time": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "type": {
      "type": "string",
      "description": "`container` or `image`."
     },
     "action": {
      "type": "string",
      "description": "container: `create`, `start`, `die`, `oom`, `kill`, `stop`, `pause`, `unpause`, `update`, `remove`, `health`, `restart`, `restart-failed`, `rename`, `signal-unheard`, `warning`, `exec_start`, `exec_die`. image: `pull`, `load`, `untag`, `delete`, `pin`, `unpin`."
     },
     "id": {
      "type": "string"
     },
     "attributes": {
      "description": "Of an image that was pruned: `reason` (`prune`, or `gc` for a water mark), `references`, `freedBytes`, `freedInodes`.",
      "type": "object",
      "additionalProperties": {
       "type": "string"
      }
     }
    }
   },
   "RegistryCredentials": {
    "description": "For the length of one request; never stored or logged.",
    "type": "object",
    "additionalProperties": false,
    "required": [
     "username",
     "password"
    ],
    "properties": {
     "username": {
      "type": "string",
      "maxLength": 4096
     },
     "password": {
      "type": "string",
      "maxLength": 65536
     }
    }
   },
   "PullRequest": {
    "type": "object",
    "additionalProperties": false,
    "required": [
     "reference"
    ],
    "properties": {
     "reference": {
      "type": "string",
      "minLength": 1,
      "maxLength": 1024
     },
     "platform": {
      "$ref": "#/components/schemas/Platform"
     },
     "credentials": {
      "$ref": "#/components/schemas/RegistryCredentials"
     }
    }
   },
   "Platform": {
    "description": "`os/architecture[/variant]`; left out, the node's own.",
    "type": "string",
    "minLength": 1,
    "maxLength": 128,
    "examples": [
     "linux/arm64/v8"
    ]
   },
   "RegistryCheckRequest": {
    "type": "object",
    "additionalProperties": false,
    "required": [
     "registry",
     "credentials"
    ],
    "properties": {
     "registry": {
      "type": "string",
      "minLength": 1,
      "maxLength": 255,
      "description": "`host[:port]`"
     },
     "credentials": {
      "$ref": "#/components/schemas/RegistryCredentials"
     }
    }
   },
   "PullEvent": {
    "type": "object",
    "required": [
     "event"
    ],
    "properties": {
     "event": {
      "type": "string",
      "enum": [
       "resolved",
       "manifest",
       "layer",
       "committing",
       "done",
       "failed"
      ],
      "description": "`resolved`: reference, digest. `manifest`: the chosen one's digest, layers. `layer`: digest, diffID, status; while it moves, current and total bytes (compressed);\nsome of these are left out where the client reads slowly. `committing`: all arrived, being made durable. `done`: digest, image. `failed`: problem.\n"
     },
     "reference": {
      "type": "string"
     },
     "digest": {
      "type": "string"
     },
     "diffID": {
      "type": "string"
     },
     "status": {
      "type": "string",
      "enum": [
       "waiting",
       "exists",
       "pulling",
       "extracted",
       "retrying"
      ]
     },
     "current": {
      "type": "integer",
      "format": "int64"
     },
     "total": {
      "type": "integer",
      "format": "int64"
     },
     "layers": {
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "digest",
        "sizeInBytes"
       ],
       "properties": {
        "digest": {
         "type": "string"
        },
        "sizeInBytes": {
         "type": "integer",
         "format": "int64"
        }
       }
      }
     },
     "image": {
      "$ref": "#/components/schemas/ImageSummary"
     },
     "problem": {
      "$ref": "#/components/schemas/Problem"
     },
     "message": {
      "type": "string"
     }
    }
   },
   "ImageSummary": {
    "type": "object",
    "required": [
     "id",
     "references",
     "digests",
     "manifestDigest",
     "platform",
     "sizeInBytes",
     "layerCount",
     "lastUsedAt",
     "pinned"
    ],
    "properties": {
     "id": {
      "type": "string",
      "description": "The config's digest."
     },
     "references": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Tagged references that point here."
     },
     "digests": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "`name@digest` forms by which it was pulled."
     },
     "manifestDigest": {
      "type": "string"
     },
     "platform": {
      "type": "string"
     },
     "createdAt": {
      "type": "string",
      "description": "As the image's config says."
     },
     "sizeInBytes": {
      "type": "integer",
      "format": "int64",
      "description": "Its layers on disk; one that is listed twice counts once."
     },
     "layerCount": {
      "type": "integer"
     },
     "lastUsedAt": {
      "type": "string",
      "format": "date-time",
      "description": "When it was pulled or loaded, or a container of it was created, started or ended."
     },
     "pinned": {
      "type": "boolean",
      "description": "No prune takes it."
     }
    }
   },
   "ImageDetail": {
    "type": "object",
    "required": [
     "summary",
     "config",
     "layers"
    ],
    "properties": {
     "summary": {
      "$ref": "#/components/schemas/ImageSummary"
     },
     "config": {
      "type": "string",
      "description": "The image config, verbatim: JSON text."
     },
     "layers": {
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "diffID",
        "sizeInBytes",
        "inodes"
       ],
       "properties": {
        "diffID": {
         "type": "string"
        },
        "digest": {
         "type": "string"
        },
        "compressedSizeInBytes": {
         "type": "integer",
         "format": "int64"
        },
        "sizeInBytes": {
         "type": "integer",
         "format": "int64"
        },
        "inodes": {
         "type": "integer",
         "format": "int64"
        }
       }
      }
     }
    }
   },
   "ImageEfficiency": {
    "type": "object",
    "required": [
     "manifestDigest",
     "score",
     "contentBytes",
     "wastedBytes",
     "overwrittenFiles",
     "deletedFiles",
     "wastedPaths",
     "paths"
    ],
    "properties": {
     "manifestDigest": {
      "type": "string"
     },
     "score": {
      "type": "number",
      "description": "1 - wasted / content; 1 where there is no content."
     },
     "contentBytes": {
      "type": "integer",
      "format": "int64",
      "description": "All files of all layers."
     },
     "wastedBytes": {
      "type": "integer",
      "format": "int64"
     },
     "overwrittenFiles": {
      "type": "integer",
      "format": "int64",
      "description": "Paths of files, empty ones too, that a layer above put something else at."
     },
     "deletedFiles": {
      "type": "integer",
      "format": "int64",
      "description": "Paths of files, empty ones too, at which the image has nothing."
     },
     "wastedPaths": {
      "type": "integer",
      "format": "int64",
      "description": "Paths at which bytes are wasted."
     },
     "paths": {
      "type": "array",
      "description": "The hundred worst of them, worst first.",
      "items": {
       "type": "object",
       "required": [
        "path",
        "timesWritten",
        "wastedBytes",
        "deleted"
       ],
       "properties": {
        "path": {
         "type": "string",
         "description": "From the image's root; of a file with several names the least. Where it is not UTF-8, each byte that is not ASCII is `\\xNN`."
        },
        "timesWritten": {
         "type": "integer",
         "description": "In how many layers there is a file, the one that is seen included."
        },
        "wastedBytes": {
         "type": "integer",
         "format": "int64"
        },
        "deleted": {
         "type": "boolean",
         "description": "The image has nothing there."
        }
       }
      }
     }
    }
   },
   "ImageTree": {
    "type": "object",
    "required": [
     "manifestDigest",
     "history",
     "layers"
    ],
    "properties": {
     "manifestDigest": {
      "type": "string"
     },
     "history": {
      "type": "string",
      "enum": [
       "known",
       "missing",
       "mismatched"
      ],
      "description": "Whether the config says which step made which layer."
     },
     "layers": {
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "diffID",
        "sizeInBytes",
        "inodes",
        "contentBytes",
        "wastedBytes",
        "repeated"
       ],
       "properties": {
        "diffID": {
         "type": "string"
        },
        "digest": {
         "type": "string"
        },
        "createdBy": {
         "type": "string",
         "description": "The command, as the builder wrote it."
        },
        "comment": {
         "type": "string"
        },
        "createdAt": {
         "type": "string"
        },
        "compressedSizeInBytes": {
         "type": "integer",
         "format": "int64"
        },
        "sizeInBytes": {
         "type": "integer",
         "format": "int64",
         "description": "On disk."
        },
        "inodes": {
         "type": "integer",
         "format": "int64"
        },
        "contentBytes": {
         "type": "integer",
         "format": "int64",
         "description": "Of its files."
        },
        "wastedBytes": {
         "type": "integer",
         "format": "int64"
        },
        "repeated": {
         "type": "boolean",
         "description": "The image lists the layer again above, where its files are counted."
        }
       }
      }
     },
     "fixupSizeInBytes": {
      "type": "integer",
      "format": "int64",
      "description": "What the stack needs on top; left out where it needs nothing."
     }
    }
   },
   "RemoveImageResponse": {
    "type": "object",
    "required": [
     "untagged",
     "deleted",
     "freedBytes"
    ],
    "properties": {
     "untagged": {
      "type": "array",
      "items": {
       "type": "string"
      }
     },
     "deleted": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Digests of images and diff IDs of layers."
     },
     "freedBytes": {
      "type": "integer",
      "format": "int64"
     }
    }
   },
   "PruneRequest": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
     "unusedForSeconds": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "description": "Only what was not used for so long."
     },
     "dangling": {
      "type": "boolean",
      "default": false,
      "description": "Only images that no name points at."
     },
     "containers": {
      "type": "boolean",
      "default": false,
      "description": "First remove the containers that have ended (so long ago)."
     },
     "dryRun": {
      "type": "boolean",
      "default": false,
      "description": "Change nothing."
     }
    }
   },
   "PruneResponse": {
    "type": "object",
    "required": [
     "dryRun",
     "images",
     "containers",
     "layers",
     "blobs",
     "freedBytes",
     "freedInodes"
    ],
    "properties": {
     "dryRun": {
      "type": "boolean"
     },
     "images": {
      "description": "The longest unused first.",
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "id",
        "manifestDigest",
        "references",
        "lastUsedAt",
        "freedBytes",
        "freedInodes"
       ],
       "properties": {
        "id": {
         "type": "string"
        },
        "manifestDigest": {
         "type": "string"
        },
        "references": {
         "type": "array",
         "items": {
          "type": "string"
         },
         "description": "The names that are gone with it."
        },
        "lastUsedAt": {
         "type": "string",
         "format": "date-time"
        },
        "freedBytes": {
         "type": "integer",
         "format": "int64",
         "description": "What no image that stays has, nor one before it in this list."
        },
        "freedInodes": {
         "type": "integer",
         "format": "int64"
        }
       }
      }
     },
     "containers": {
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "id",
        "name",
        "freedBytes",
        "freedInodes"
       ],
       "properties": {
        "id": {
         "type": "string"
        },
        "name": {
         "type": "string"
        },
        "freedBytes": {
         "type": "integer",
         "format": "int64"
        },
        "freedInodes": {
         "type": "integer",
         "format": "int64"
        }
       }
      }
     },
     "layers": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Diff IDs, and chain IDs of fix-ups."
     },
     "blobs": {
      "type": "array",
      "items": {
       "type": "string"
      }
     },
     "freedBytes": {
      "type": "integer",
      "format": "int64",
      "description": "Blocks on disk x 512; directories are deleted in the background."
     },
     "freedInodes": {
      "type": "integer",
      "format": "int64"
     }
    }
   },
   "TerminalSize": {
    "type": "object",
    "additionalProperties": false,
    "required": [
     "rows",
     "columns"
    ],
    "properties": {
     "rows": {
      "type": "integer",
      "minimum": 0,
      "maximum": 65535
     },
     "columns": {
      "type": "integer",
      "minimum": 0,
      "maximum": 65535
     }
    }
   },
   "MountRequest": {
    "type": "object",
    "additionalProperties": false,
    "required": [
     "type",
     "target",
     "readOnly",
     "options"
    ],
    "properties": {
     "type": {
      "type": "string",
      "enum": [
       "bind",
       "tmpfs",
       "image"
      ]
     },
     "source": {
      "type": "string",
      "maxLength": 4095,
      "description": "`bind`: an absolute path of the host. `image`: an image that is here, by a reference or an id. Its layers are mounted read-only, and stay as long as the\ncontainer does.\n"
     },
     "subpath": {
      "type": "string",
      "minLength": 1,
      "maxLength": 4095,
      "description": "`image`: what of it is mounted, a path below its root; left out, all."
     },
     "target": {
      "type": "string",
      "minLength": 1,
      "maxLength": 4095,
      "description": "An absolute path in the container; made where it is missing."
     },
     "readOnly": {
      "type": "boolean"
     },
     "options": {
      "type": "array",
      "maxItems": 64,
      "items": {
       "type": "string",
       "maxLength": 4095
      },
      "description": "`bind`: `rprivate` (default), `rslave`, `rshared`, `nosuid`, `nodev`, `noexec`; with a user namespace `idmap` (the default with `auto`), `noidmap`. `tmpfs`: `size=64m`, `mode=1777`, `uid=`, `gid=`, `exec`, …"
     }
    }
   },
   "ResourceRequest": {
    "description": "Left out is unlimited, or in an update as it was; 0, an empty string or array, and -1 where it may be, take a limit away. What this kernel can't\nenforce is refused.\n",
    "type": "object",
    "additionalProperties": false,
    "properties": {
     "memoryInBytes": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807
     },
     "nanoCPUs": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807,
      "description": "1500000000 is one CPU and a half."
     },
     "pidsLimit": {
      "type": "integer",
      "format": "int64",
      "minimum": -1,
      "maximum": 9223372036854775807,
      "description": "-1 is unlimited."
     },
     "memorySwapInBytes": {
      "type": "integer",
      "format": "int64",
      "minimum": -1,
      "maximum": 9223372036854775807,
      "description": "Memory and swap together, at least `memoryInBytes`; -1 is no limit on swap."
     },
     "memoryReservationInBytes": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807,
      "description": "What it keeps when others need memory."
     },
     "cpuShares": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 262144,
      "description": "2 to 262144, against the 1024 of others; 0 is unset."
     },
     "cpusetCPUs": {
      "type": "string",
      "maxLength": 1024,
      "description": "Processors: `0-2,4`."
     },
     "cpusetMemoryNodes": {
      "type": "string",
      "maxLength": 1024,
      "description": "Memory nodes: `0`."
     },
     "blockIOWeight": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 1000,
      "description": "10 to 1000, where the disk's scheduler has weights; 0 is unset."
     },
     "devices": {
      "type": "array",
      "maxItems": 256,
      "items": {
       "$ref": "#/components/schemas/DeviceLimitRequest"
      }
     }
    }
   },
   "DeviceLimitRequest": {
    "description": "What may go to and from one block device each second.",
    "type": "object",
    "additionalProperties": false,
    "required": [
     "path"
    ],
    "properties": {
     "path": {
      "type": "string",
      "minLength": 1,
      "maxLength": 4095,
      "description": "A block device's node on the host."
     },
     "readBytesPerSecond": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807
     },
     "writtenBytesPerSecond": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807
     },
     "readsPerSecond": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807
     },
     "writesPerSecond": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807
     }
    }
   },
   "UlimitRequest": {
    "description": "One of setrlimit(2)'s limits of each process; -1 is unlimited.",
    "type": "object",
    "additionalProperties": false,
    "required": [
     "name",
     "soft",
     "hard"
    ],
    "properties": {
     "name": {
      "type": "string",
      "minLength": 1,
      "maxLength": 32,
      "description": "`nofile`, `nproc`, `core`, …"
     },
     "soft": {
      "type": "integer",
      "format": "int64",
      "minimum": -1,
      "maximum": 9223372036854775807
     },
     "hard": {
      "type": "integer",
      "format": "int64",
      "minimum": -1,
      "maximum": 9223372036854775807
     }
    }
   },
   "UpdateContainerRequest": {
    "type": "object",
    "additionalProperties": false,
    "required": [
     "resources"
    ],
    "properties": {
     "resources": {
      "$ref": "#/components/schemas/ResourceRequest"
     }
    }
   },
   "UpdateContainerResponse": {
    "type": "object",
    "required": [
     "id",
     "name",
     "resources"
    ],
    "properties": {
     "id": {
      "type": "string"
     },
     "name": {
      "type": "string"
     },
     "resources": {
      "$ref": "#/components/schemas/ResourceRequest"
     }
    }
   },
   "IsolationRequest": {
    "description": "What a container may do and see beyond, or short of, the default: Docker's default capabilities and filter, namespaces of its own, no new privileges. Each member that is left out is the default.",
    "type": "object",
    "additionalProperties": false,
    "properties": {
     "capabilitiesAdded": {
      "type": "array",
      "maxItems": 128,
      "items": {
       "type": "string",
       "minLength": 1,
       "maxLength": 64
      },
      "description": "`NET_ADMIN`, `CAP_NET_ADMIN` or `ALL`."
     },
     "capabilitiesDropped": {
      "type": "array",
      "maxItems": 128,
      "items": {
       "type": "string",
       "minLength": 1,
       "maxLength": 64
      }
     },
     "privileged": {
      "type": "boolean",
      "description": "All capabilities and devices, no filter, nothing masked. Root in the container is root on the node."
     },
     "noNewPrivileges": {
      "type": "boolean",
      "description": "Default: true, and false with `privileged`."
     },
     "seccomp": {
      "type": "string",
      "enum": [
       "default",
       "unconfined"
      ]
     },
     "seccompProfile": {
      "type": "string",
      "minLength": 2,
      "maxLength": 1048576,
      "description": "The text of a profile in Docker's or the runtime-spec's form, in place of `seccomp`."
     },
     "appArmorProfile": {
      "type": "string",
      "minLength": 1,
      "maxLength": 256
     },
     "systemPathsUnconfined": {
      "type": "boolean",
      "description": "Nothing below /proc and /sys is masked or read-only."
     },
     "devices": {
      "type": "array",
      "maxItems": 1024,
      "items": {
       "$ref": "#/components/schemas/DeviceRequest"
      }
     },
     "sysctls": {
      "type": "object",
      "maxProperties": 256,
      "additionalProperties": {
       "type": "string",
       "maxLength": 4095
      },
      "description": "Kernel parameters that belong to a namespace of the container."
     },
     "groups": {
      "type": "array",
      "maxItems": 1024,
      "items": {
       "type": "string",
       "minLength": 1,
       "maxLength": 256
      },
      "description": "By the image's names, or by number."
     },
     "pid": {
      "$ref": "#/components/schemas/NamespaceChoice"
     },
     "ipc": {
      "$ref": "#/components/schemas/NamespaceChoice"
     },
     "uts": {
      "$ref": "#/components/schemas/NamespaceChoice"
     },
     "cgroup": {
      "$ref": "#/components/schemas/NamespaceChoice"
     },
     "userNamespace": {
      "$ref": "#/components/schemas/UserNamespaceChoice"
     }
    }
   },
   "UserNamespaceChoice": {
    "type": "string",
    "enum": [
     "host",
     "auto",
     "keep"
    ],
    "description": "Whose ids the container's are. `host` (the default): the node's own, root in it is root on the node. `auto`: 65536 ids that no other container has; its root is nobody\non the node. `keep`: the same, but the user of the node who sends this request, and who must not be root, is the same user in the container, and its first process where\n`user` is left out. Refused with `privileged`, and with the node's `pid` or `ipc`; `unsupported` where no ids are free.\n"
   },
   "IdentityMaps": {
    "type": "object",
    "required": [
     "users",
     "groups"
    ],
    "properties": {
     "users": {
      "type": "array",
      "items": {
       "$ref": "#/components/schemas/IdentityMapLine"
      }
     },
     "groups": {
      "type": "array",
      "items": {
       "$ref": "#/components/schemas/IdentityMapLine"
      }
     }
    }
   },
   "IdentityMapLine": {
    "description": "`size` ids from `containerID` on are the node's from `hostID` on.",
    "type": "object",
    "required": [
     "containerID",
     "hostID",
     "size"
    ],
    "properties": {
     "containerID": {
      "type": "integer",
      "format": "int64"
     },
     "hostID": {
      "type": "integer",
      "format": "int64"
     },
     "size": {
      "type": "integer",
      "format": "int64"
     }
    }
   },
   "NamespaceChoice": {
    "type": "string",
    "minLength": 4,
    "maxLength": 256,
    "description": "`private`: a namespace of its own (the default). `host`: the node's. `container:NAME`: that of another container, by name or id, which has\nto run whenever this one starts, and is looked up anew then; `ipc` brings its /dev/shm along. A container whose ids are not the node's gives those to the one that shares\nits namespaces. `ipc` alone: `private` is one that no other container may share, `shareable` one that may, as what is left out.\n"
   },
   "DeviceRequest": {
    "type": "object",
    "additionalProperties": false,
    "required": [
     "source"
    ],
    "properties": {
     "source": {
      "type": "string",
      "minLength": 1,
      "maxLength": 4095,
      "description": "An absolute path of the host; links are followed."
     },
     "target": {
      "type": "string",
      "minLength": 1,
      "maxLength": 4095,
      "description": "In the container; left out, the same."
     },
     "access": {
      "type": "string",
      "minLength": 1,
      "maxLength": 3,
      "description": "Of `r`, `w` and `m`; left out, all."
     }
    }
   },
   "RestartPolicy": {
    "description": "Whether one that has ended is started again, after 100 ms and then after twice the time each, at most a minute; a run of ten seconds begins anew.\n`always` and `unless-stopped`: until it is stopped; `always` also starts one that was stopped when the daemon starts. Not with `autoRemove`.\n",
    "type": "object",
    "additionalProperties": false,
    "required": [
     "condition"
    ],
    "properties": {
     "condition": {
      "type": "string",
      "enum": [
       "no",
       "on-failure",
       "always",
       "unless-stopped"
      ]
     },
     "maximumRetries": {
      "type": "integer",
      "format": "int32",
      "minimum": 0,
      "maximum": 2147483647,
      "description": "For `on-failure`; 0 is no limit."
     }
    }
   },
   "HealthRequest": {
    "description": "How its health is asked for, over what the image's `Healthcheck` says: what is left out, and each 0, is the image's, else the default. Without a `test`\nor `probe` here or in the image there is no check. Probes are run by the container's monitor, also while no daemon is there; not while it is paused.\n",
    "type": "object",
    "additionalProperties": false,
    "properties": {
     "test": {
      "type": "array",
      "maxItems": 32768,
      "items": {
       "type": "string",
       "maxLength": 131071
      },
      "description": "`[NONE]` for none; `[CMD, word, …]`; `[CMD-SHELL, script]`. 0 is healthy."
     },
     "probe": {
      "type": "string",
      "minLength": 1,
      "maxLength": 4095,
      "description": "In place of a program, from the container's network namespace: `http://[host]:port/path`, where a status from 200 to 399 is healthy; `tcp://[host]:port`, where\na connection is. The host is an IP address; without one it is the loopback.\n"
     },
     "intervalMilliseconds": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 31536000000,
      "description": "From the end of a probe to the next; default: 30 s."
     },
     "timeoutMilliseconds": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 31536000000,
      "description": "What takes longer has failed; default: 30 s."
     },
     "startPeriodMilliseconds": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 31536000000,
      "description": "So long after the start failures don't count, until it is healthy; default: 0."
     },
     "startIntervalMilliseconds": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 31536000000,
      "description": "The interval meanwhile; default: 5 s."
     },
     "retries": {
      "type": "integer",
      "format": "int32",
      "minimum": 0,
      "maximum": 2147483647,
      "description": "So many failures in a row are unhealthy; default: 3."
     },
     "onFailure": {
      "type": "string",
      "enum": [
       "none",
       "kill",
       "restart",
       "stop"
      ],
      "default": "none",
      "description": "What is done when it becomes unhealthy. `kill`: SIGKILL, and its restart policy goes on. `restart`: it is stopped and started again, whatever the policy; not\nwith `autoRemove`. `stop`: it is stopped, and stays so.\n"
     }
    }
   },
   "HealthStatus": {
    "type": "string",
    "enum": [
     "starting",
     "healthy",
     "unhealthy"
    ]
   },
   "HealthResult": {
    "type": "object",
    "required": [
     "startedAt",
     "finishedAt",
     "exitCode",
     "output"
    ],
    "properties": {
     "startedAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "finishedAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "exitCode": {
      "type": "integer",
      "description": "0 is healthy; -1: it took too long. A program's is its own; of other probes 1."
     },
     "output": {
      "type": "string",
      "description": "At most 4096 bytes of it, and `...` where it was more."
     }
    }
   },
   "HealthDetail": {
    "description": "Since its last start.",
    "type": "object",
    "required": [
     "status",
     "failingStreak",
     "results",
     "check"
    ],
    "properties": {
     "status": {
      "$ref": "#/components/schemas/HealthStatus"
     },
     "failingStreak": {
      "type": "integer",
      "description": "Failures in a row."
     },
     "results": {
      "type": "array",
      "description": "The last five, the eldest first.",
      "items": {
       "$ref": "#/components/schemas/HealthResult"
      }
     },
     "check": {
      "$ref": "#/components/schemas/HealthRequest"
     }
    }
   },
   "HealthRunResponse": {
    "type": "object",
    "required": [
     "status",
     "failingStreak",
     "result"
    ],
    "properties": {
     "status": {
      "$ref": "#/components/schemas/HealthStatus"
     },
     "failingStreak": {
      "type": "integer"
     },
     "result": {
      "$ref": "#/components/schemas/HealthResult"
     }
    }
   },
   "RestartStatus": {
    "type": "object",
    "required": [
     "count"
    ],
    "properties": {
     "count": {
      "type": "integer",
      "description": "Starts by the policy since somebody last started it."
     },
     "nextAt": {
      "$ref": "#/components/schemas/Timestamp"
     }
    }
   },
   "LogOptions": {
    "description": "How much of a log is kept. What is left out is the node's default.",
    "type": "object",
    "additionalProperties": false,
    "properties": {
     "maxSizeInBytes": {
      "type": "integer",
      "format": "int64",
      "minimum": 131072,
      "maximum": 9223372036854775807,
      "description": "Of one file."
     },
     "maxFiles": {
      "type": "integer",
      "format": "int32",
      "minimum": 1,
      "maximum": 1000,
      "description": "With the one that is being written."
     },
     "mode": {
      "type": "string",
      "enum": [
       "blocking",
       "non-blocking"
      ],
      "description": "`blocking` (the default): the container waits for the disk, and nothing is lost. `non-blocking`: it never waits; what the buffer can't take is\ndropped, counted, and told in the log.\n"
     },
     "bufferSizeInBytes": {
      "type": "integer",
      "format": "int64",
      "minimum": 131072,
      "maximum": 1073741824,
      "description": "For `non-blocking`; 1 MiB."
     }
    }
   },
   "CreateContainerRequest": {
    "description": "What to run, in the terms of the command line. The image's config fills in what is left out.",
    "type": "object",
    "additionalProperties": false,
    "required": [
     "image"
    ],
    "properties": {
     "image": {
      "type": "string",
      "minLength": 1,
      "maxLength": 1024,
      "description": "A reference or an image ID."
     },
     "platform": {
      "$ref": "#/components/schemas/Platform"
     },
     "name": {
      "type": "string",
      "minLength": 1,
      "maxLength": 128,
      "description": "`[a-zA-Z0-9][a-zA-Z0-9_.-]*`; left out, the short ID."
     },
     "entrypoint": {
      "type": "array",
      "maxItems": 4096,
      "items": {
       "type": "string",
       "maxLength": 131071
      },
      "description": "Replaces the image's Entrypoint and clears its Cmd; an empty array clears both."
     },
     "arguments": {
      "type": "array",
      "maxItems": 32768,
      "items": {
       "type": "string",
       "maxLength": 131071
      },
      "default": [],
      "description": "Replaces the image's Cmd where not empty."
     },
     "environment": {
      "type": "array",
      "maxItems": 32768,
      "items": {
       "type": "string",
       "minLength": 1,
       "maxLength": 131071
      },
      "default": [],
      "description": "`NAME=value`, after the image's own."
     },
     "workingDirectory": {
      "type": "string",
      "minLength": 1,
      "maxLength": 4095
     },
     "user": {
      "type": "string",
      "maxLength": 256,
      "description": "`user`, `uid`, `user:group`, `uid:gid`."
     },
     "hostname": {
      "type": "string",
      "minLength": 1,
      "maxLength": 64
     },
     "labels": {
      "type": "object",
      "maxProperties": 1024,
      "additionalProperties": {
       "type": "string",
       "maxLength": 65536
      },
      "default": {}
     },
     "tty": {
      "type": "boolean",
      "default": false
     },
     "terminalSize": {
      "$ref": "#/components/schemas/TerminalSize"
     },
     "openStdin": {
      "type": "boolean",
      "default": false,
      "description": "Keep stdin open; otherwise it is /dev/null."
     },
     "attach": {
      "type": "boolean",
      "default": false,
      "description": "A client will attach at once: output waits for it, at most ten seconds."
     },
     "autoRemove": {
      "type": "boolean",
      "default": false
     },
     "restart": {
      "$ref": "#/components/schemas/RestartPolicy"
     },
     "readOnlyRoot": {
      "type": "boolean",
      "default": false
     },
     "network": {
      "type": "string",
      "minLength": 4,
      "maxLength": 256,
      "default": "none",
      "description": "`none`: a network namespace of its own with loopback up. `host`: the node's. `container:NAME`: that of another container, by name or id, which has to run whenever this\none starts; its /etc/hosts and /etc/resolv.conf are copied then.\n"
     },
     "initProcess": {
      "type": "boolean",
      "default": false,
      "description": "The runtime's own init is PID 1, reaps and forwards signals."
     },
     "mounts": {
      "type": "array",
      "maxItems": 1024,
      "items": {
       "$ref": "#/components/schemas/MountRequest"
      },
      "default": []
     },
     "resources": {
      "$ref": "#/components/schemas/ResourceRequest"
     },
     "isolation": {
      "$ref": "#/components/schemas/IsolationRequest"
     },
     "ulimits": {
      "type": "array",
      "maxItems": 32,
      "items": {
       "$ref": "#/components/schemas/UlimitRequest"
      },
      "default": []
     },
     "outOfMemoryScore": {
      "type": "integer",
      "format": "int32",
      "minimum": -1000,
      "maximum": 1000,
      "description": "How soon its processes are killed when the machine is out of memory; left out, the daemon's own."
     },
     "sharedMemoryInBytes": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807,
      "description": "The size of /dev/shm; 0 is 64 MiB."
     },
     "stopSignal": {
      "type": "string",
      "minLength": 1,
      "maxLength": 32,
      "description": "`SIGTERM`, `TERM` or `15`."
     },
     "stopTimeoutSeconds": {
      "type": "integer",
      "format": "int32",
      "minimum": -1,
      "maximum": 2147483647,
      "description": "-1 waits without end."
     },
     "health": {
      "$ref": "#/components/schemas/HealthRequest"
     },
     "log": {
      "type": "string",
      "enum": [
       "file",
       "none"
      ],
      "default": "file",
      "description": "`none`: output goes to the attached client only."
     },
     "logOptions": {
      "$ref": "#/components/schemas/LogOptions"
     },
     "upper": {
      "type": "string",
      "enum": [
       "synced",
       "volatile",
       "tmpfs"
      ],
      "description": "The writable layer: as the kernel syncs by itself; never synced (the default with `autoRemove`); in memory."
     },
     "upperSizeInBytes": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 9223372036854775807,
      "description": "What the writable layer may take; 1 MiB or more, 0 is no limit. `unsupported` where the filesystem of the root enforces no project quota, but\nnot with `upper` `tmpfs`. KiB are counted: what is over is cut off.\n"
     },
     "upperInodes": {
      "type": "integer",
      "format": "int64",
      "minimum": 0,
      "maximum": 4294967295,
      "description": "How many inodes it may have; 16 or more, 0 is no limit. As above."
     }
    }
   },
   "CreateContainerResponse": {
    "type": "object",
    "required": [
     "id",
     "name",
     "warnings"
    ],
    "properties": {
     "id": {
      "type": "string"
     },
     "name": {
      "type": "string"
     },
     "pid": {
      "type": "integer",
      "format": "int32",
      "description": "On the host; once it runs."
     },
     "attachSocket": {
      "type": "string",
      "description": "Where to attach (docs/api/attach.md); once it runs."
     },
     "warnings": {
      "type": "array",
      "items": {
       "type": "string"
      }
     }
    }
   },
   "ExitRecord": {
    "type": "object",
    "required": [
     "exitCode",
     "outOfMemory",
     "startedAt",
     "finishedAt"
    ],
    "properties": {
     "exitCode": {
      "type": "integer",
      "description": "The process's own, or 128+n for signal n."
     },
     "signal": {
      "type": "integer"
     },
     "outOfMemory": {
      "type": "boolean"
     },
     "startedAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "finishedAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "note": {
      "type": "string",
      "description": "Where the end was not seen."
     },
     "cause": {
      "$ref": "#/components/schemas/ExitCause"
     },
     "memory": {
      "$ref": "#/components/schemas/OutOfMemoryRecord"
     },
     "timings": {
      "type": "array",
      "description": "The steps of its start; left out in lists.",
      "items": {
       "$ref": "#/components/schemas/StepTiming"
      }
     },
     "droppedLogRecords": {
      "type": "integer",
      "description": "With a `non-blocking` log: how many records it could not take."
     }
    }
   },
   "StepTiming": {
    "type": "object",
    "required": [
     "step",
     "microseconds"
    ],
    "properties": {
     "step": {
      "type": "string"
     },
     "microseconds": {
      "type": "integer",
      "format": "int64"
     }
    }
   },
   "ExitCause": {
    "description": "Who ended it, as far as it is known.",
    "type": "object",
    "required": [
     "kind"
    ],
    "properties": {
     "kind": {
      "type": "string",
      "enum": [
       "itself",
       "request",
       "out-of-memory",
       "unhealthy",
       "unknown"
      ],
      "description": "`itself`: PID 1 came to its end. `request`: somebody asked for it, by `request`. `out-of-memory`: the kernel's OOM killer, see `memory`.\n`unhealthy`: its health check failed, and what `onFailure` says was done, which is `request`.\n`unknown`: a signal that nobody asked the daemon for, or an end that was not seen.\n"
     },
     "request": {
      "type": "string",
      "examples": [
       "stop",
       "kill",
       "restart",
       "rm",
       "attach"
      ]
     },
     "signal": {
      "type": "integer",
      "description": "The one that was sent for it."
     },
     "sentAt": {
      "$ref": "#/components/schemas/Timestamp"
     }
    }
   },
   "OutOfMemoryRecord": {
    "type": "object",
    "required": [
     "kills"
    ],
    "properties": {
     "level": {
      "type": "string",
      "enum": [
       "container",
       "below",
       "above",
       "machine"
      ],
      "description": "Whose limit was met: its own, that of a group below or above it, or none. Left out where the kernel log does not tell."
     },
     "cgroup": {
      "type": "string",
      "description": "Whose limit it was, as the kernel names it."
     },
     "victim": {
      "type": "object",
      "description": "The last one.",
      "required": [
       "pid",
       "name"
      ],
      "properties": {
       "pid": {
        "type": "integer",
        "format": "int32",
        "description": "On the host."
       },
       "name": {
        "type": "string"
       }
      }
     },
     "kills": {
      "type": "integer"
     },
     "limitInBytes": {
      "type": "integer",
      "format": "int64",
      "description": "The container's."
     },
     "peakInBytes": {
      "type": "integer",
      "format": "int64"
     }
    }
   },
   "ContainerSummary": {
    "type": "object",
    "required": [
     "id",
     "name",
     "image",
     "imageDigest",
     "command",
     "state",
     "createdAt",
     "labels"
    ],
    "properties": {
     "id": {
      "type": "string"
     },
     "name": {
      "type": "string"
     },
     "image": {
      "type": "string",
      "description": "As the request named it."
     },
     "imageDigest": {
      "type": "string"
     },
     "command": {
      "type": "array",
      "items": {
       "type": "string"
      }
     },
     "state": {
      "type": "string",
      "enum": [
       "created",
       "running",
       "paused",
       "stopping",
       "stopped",
       "restarting",
       "removing"
      ]
     },
     "pid": {
      "type": "integer",
      "format": "int32"
     },
     "createdAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "exit": {
      "$ref": "#/components/schemas/ExitRecord"
     },
     "labels": {
      "type": "object",
      "additionalProperties": {
       "type": "string"
      }
     },
     "restarts": {
      "$ref": "#/components/schemas/RestartStatus"
     },
     "health": {
      "$ref": "#/components/schemas/HealthStatus"
     }
    }
   },
   "ContainerProcess": {
    "type": "object",
    "required": [
     "pid",
     "parentPID",
     "pidInside",
     "uid",
     "gid",
     "state",
     "threads",
     "cpuMilliseconds",
     "startedAt",
     "elapsedMilliseconds",
     "residentBytes",
     "virtualBytes",
     "name",
     "arguments"
    ],
    "properties": {
     "pid": {
      "type": "integer",
      "format": "int32",
      "description": "On the host."
     },
     "parentPID": {
      "type": "integer",
      "format": "int32"
     },
     "pidInside": {
      "type": "integer",
      "format": "int32",
      "description": "In its own PID namespace: 1 is the container's first process."
     },
     "uid": {
      "type": "integer",
      "format": "int64"
     },
     "gid": {
      "type": "integer",
      "format": "int64"
     },
     "state": {
      "type": "string",
      "description": "proc(5)'s letter."
     },
     "threads": {
      "type": "integer"
     },
     "terminal": {
      "type": "string",
      "description": "`pts/0`."
     },
     "cpuMilliseconds": {
      "type": "integer",
      "format": "int64"
     },
     "startedAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "elapsedMilliseconds": {
      "type": "integer",
      "format": "int64"
     },
     "residentBytes": {
      "type": "integer",
      "format": "int64"
     },
     "virtualBytes": {
      "type": "integer",
      "format": "int64"
     },
     "name": {
      "type": "string",
      "description": "Of its program; at most 15 bytes, which it can change."
     },
     "arguments": {
      "type": "array",
      "items": {
       "type": "string"
      }
     }
    }
   },
   "StatisticsSample": {
    "type": "object",
    "required": [
     "time",
     "containers"
    ],
    "properties": {
     "time": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "containers": {
      "type": "array",
      "items": {
       "$ref": "#/components/schemas/ContainerStatistics"
      }
     }
    }
   },
   "ContainerStatistics": {
    "description": "Counters are since the start. What nobody counts on this node is left out.",
    "type": "object",
    "required": [
     "id",
     "name",
     "state"
    ],
    "properties": {
     "id": {
      "type": "string"
     },
     "name": {
      "type": "string"
     },
     "state": {
      "type": "string",
      "enum": [
       "created",
       "running",
       "paused",
       "stopping",
       "stopped",
       "restarting",
       "removing"
      ]
     },
     "cpu": {
      "type": "object",
      "required": [
       "percent",
       "usageNanoseconds"
      ],
      "properties": {
       "percent": {
        "type": "number",
        "description": "Of one processor, since the sample before: 150 is one and a half."
       },
       "usageNanoseconds": {
        "type": "integer",
        "format": "int64"
       },
       "userNanoseconds": {
        "type": "integer",
        "format": "int64"
       },
       "systemNanoseconds": {
        "type": "integer",
        "format": "int64"
       },
       "periods": {
        "type": "integer",
        "format": "int64"
       },
       "throttledPeriods": {
        "type": "integer",
        "format": "int64",
        "description": "Those in which it had to wait for its CPU limit."
       },
       "throttledNanoseconds": {
        "type": "integer",
        "format": "int64"
       }
      }
     },
     "memory": {
      "type": "object",
      "required": [
       "workingSetBytes",
       "usedBytes"
      ],
      "properties": {
       "workingSetBytes": {
        "type": "integer",
        "format": "int64",
        "description": "All but inactive page cache."
       },
       "usedBytes": {
        "type": "integer",
        "format": "int64"
       },
       "limitBytes": {
        "type": "integer",
        "format": "int64"
       },
       "percent": {
        "type": "number",
        "description": "The working set's",
        "of the limit.": null
       },
       "peakBytes": {
        "type": "integer",
        "format": "int64"
       },
       "swapBytes": {
        "type": "integer",
        "format": "int64"
       },
       "anonymousBytes": {
        "type": "integer",
        "format": "int64"
       },
       "fileBytes": {
        "type": "integer",
        "format": "int64"
       },
       "limitFailures": {
        "type": "integer",
        "format": "int64",
        "description": "How often the limit was met."
       },
       "outOfMemoryKills": {
        "type": "integer",
        "format": "int64"
       }
      }
     },
     "processes": {
      "type": "object",
      "required": [
       "count"
      ],
      "properties": {
       "count": {
        "type": "integer",
        "format": "int64",
        "description": "Threads, too."
       },
       "limit": {
        "type": "integer",
        "format": "int64"
       }
      }
     },
     "blockIO": {
      "type": "object",
      "required": [
       "readBytes",
       "writtenBytes",
       "reads",
       "writes"
      ],
      "properties": {
       "readBytes": {
        "type": "integer",
        "format": "int64"
       },
       "writtenBytes": {
        "type": "integer",
        "format": "int64"
       },
       "reads": {
        "type": "integer",
        "format": "int64"
       },
       "writes": {
        "type": "integer",
        "format": "int64"
       }
      }
     },
     "network": {
      "description": "Of its own interfaces but loopback.",
      "type": "object",
      "required": [
       "receivedBytes",
       "sentBytes",
       "receivedPackets",
       "sentPackets"
      ],
      "properties": {
       "receivedBytes": {
        "type": "integer",
        "format": "int64"
       },
       "sentBytes": {
        "type": "integer",
        "format": "int64"
       },
       "receivedPackets": {
        "type": "integer",
        "format": "int64"
       },
       "sentPackets": {
        "type": "integer",
        "format": "int64"
       }
      }
     },
     "pressure": {
      "description": "Where it waited for what it needs (PSI).",
      "type": "object",
      "properties": {
       "cpu": {
        "$ref": "#/components/schemas/Pressure"
       },
       "memory": {
        "$ref": "#/components/schemas/Pressure"
       },
       "io": {
        "$ref": "#/components/schemas/Pressure"
       }
      }
     }
    }
   },
   "Pressure": {
    "type": "object",
    "required": [
     "some"
    ],
    "properties": {
     "some": {
      "$ref": "#/components/schemas/PressureShare"
     },
     "full": {
      "$ref": "#/components/schemas/PressureShare"
     }
    }
   },
   "PressureShare": {
    "description": "Percent of the last 10, 60 and 300 seconds, and microseconds since the start.",
    "type": "object",
    "required": [
     "average10",
     "average60",
     "average300",
     "totalMicroseconds"
    ],
    "properties": {
     "average10": {
      "type": "number"
     },
     "average60": {
      "type": "number"
     },
     "average300": {
      "type": "number"
     },
     "totalMicroseconds": {
      "type": "integer",
      "format": "int64"
     }
    }
   },
   "ContainerDetail": {
    "type": "object",
    "required": [
     "summary",
     "resolvedDigest",
     "manifestDigest",
     "request",
     "mounts",
     "bundle",
     "lowerDiffIDs",
     "cgroup",
     "timings",
     "execs",
     "warnings"
    ],
    "properties": {
     "summary": {
      "$ref": "#/components/schemas/ContainerSummary"
     },
     "resolvedDigest": {
      "type": "string",
      "description": "Of the index or manifest that the reference named."
     },
     "manifestDigest": {
      "type": "string"
     },
     "request": {
      "$ref": "#/components/schemas/CreateContainerRequest"
     },
     "mounts": {
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "type",
        "source",
        "target",
        "options"
       ],
       "properties": {
        "type": {
         "type": "string"
        },
        "source": {
         "type": "string"
        },
        "target": {
         "type": "string"
        },
        "options": {
         "type": "array",
         "items": {
          "type": "string"
         }
        }
       }
      }
     },
     "bundle": {
      "type": "string",
      "description": "The OCI bundle's directory."
     },
     "upperDirectory": {
      "type": "string"
     },
     "lowerDiffIDs": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "As mounted: from the uppermost down, each once."
     },
     "cgroup": {
      "type": "string"
     },
     "identityMaps": {
      "$ref": "#/components/schemas/IdentityMaps"
     },
     "logPath": {
      "type": "string"
     },
     "attachSocket": {
      "type": "string"
     },
     "startedAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "timings": {
      "type": "array",
      "description": "The steps of the last start.",
      "items": {
       "$ref": "#/components/schemas/StepTiming"
      }
     },
     "execs": {
      "type": "array",
      "description": "Further processes since the last start; those that run, and the last 32 that have ended.",
      "items": {
       "$ref": "#/components/schemas/ExecSummary"
      }
     },
     "health": {
      "$ref": "#/components/schemas/HealthDetail"
     },
     "warnings": {
      "type": "array",
      "description": "What should be known of the last start: that PID 1 is a shell which keeps signals from its program.",
      "items": {
       "type": "string"
      }
     }
    }
   },
   "ExecRequest": {
    "description": "What is left out is the container's own.",
    "type": "object",
    "additionalProperties": false,
    "required": [
     "command"
    ],
    "properties": {
     "command": {
      "type": "array",
      "maxItems": 32768,
      "items": {
       "type": "string",
       "maxLength": 131071
      }
     },
     "environment": {
      "type": "array",
      "maxItems": 32768,
      "items": {
       "type": "string",
       "minLength": 1,
       "maxLength": 131071
      },
      "default": [],
      "description": "`NAME=value`, over the container's own."
     },
     "workingDirectory": {
      "type": "string",
      "minLength": 1,
      "maxLength": 4095,
      "description": "It must be there."
     },
     "user": {
      "type": "string",
      "maxLength": 256,
      "description": "`user`, `uid`, `user:group`, `uid:gid`, by the container's own /etc/passwd and /etc/group."
     },
     "tty": {
      "type": "boolean",
      "default": false
     },
     "terminalSize": {
      "$ref": "#/components/schemas/TerminalSize"
     },
     "openStdin": {
      "type": "boolean",
      "default": false,
      "description": "Keep stdin open; otherwise it is /dev/null."
     },
     "detach": {
      "type": "boolean",
      "default": false,
      "description": "No client attaches; the output is thrown away."
     },
     "privileged": {
      "type": "boolean",
      "default": false,
      "description": "Every capability that the node can give. The seccomp filter and no_new_privs stay the container's."
     }
    }
   },
   "ExecResponse": {
    "type": "object",
    "required": [
     "id",
     "pid"
    ],
    "properties": {
     "id": {
      "type": "string",
      "description": "Of the process, among those of the container."
     },
     "pid": {
      "type": "integer",
      "format": "int32",
      "description": "On the host."
     },
     "attachSocket": {
      "type": "string",
      "description": "Where to attach by the id (docs/api/attach.md); left out with `detach`."
     }
    }
   },
   "ExecSummary": {
    "type": "object",
    "required": [
     "id",
     "command",
     "running",
     "startedAt"
    ],
    "properties": {
     "id": {
      "type": "string"
     },
     "command": {
      "type": "array",
      "items": {
       "type": "string"
      }
     },
     "running": {
      "type": "boolean"
     },
     "pid": {
      "type": "integer",
      "format": "int32",
      "description": "On the host; while it runs."
     },
     "startedAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "exit": {
      "$ref": "#/components/schemas/ExitRecord"
     }
    }
   },
   "StopRequest": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
     "timeoutSeconds": {
      "type": "integer",
      "format": "int32",
      "minimum": -1,
      "maximum": 2147483647,
      "description": "Left out: the container's own, else 10. 0 is SIGKILL at once; -1 waits without end."
     },
     "waitFull": {
      "type": "boolean",
      "default": false,
      "description": "Wait the whole time also where PID 1 can't hear the signal."
     }
    }
   },
   "RenameRequest": {
    "type": "object",
    "additionalProperties": false,
    "required": [
     "name"
    ],
    "properties": {
     "name": {
      "type": "string",
      "minLength": 1,
      "maxLength": 128,
      "description": "`[a-zA-Z0-9][a-zA-Z0-9_.-]*`"
     }
    }
   },
   "PathStatus": {
    "type": "object",
    "required": [
     "name",
     "kind",
     "mode",
     "sizeInBytes",
     "modifiedAt"
    ],
    "properties": {
     "name": {
      "type": "string",
      "description": "The path's last component; \".\" of the root."
     },
     "kind": {
      "type": "string",
      "enum": [
       "file",
       "directory",
       "symlink",
       "other"
      ]
     },
     "mode": {
      "type": "integer",
      "description": "The twelve permission bits."
     },
     "sizeInBytes": {
      "type": "integer",
      "format": "int64"
     },
     "modifiedAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "linkTarget": {
      "type": "string"
     }
    }
   },
   "FileChange": {
    "type": "object",
    "required": [
     "kind",
     "path"
    ],
    "properties": {
     "kind": {
      "type": "string",
      "enum": [
       "added",
       "changed",
       "deleted"
      ]
     },
     "path": {
      "type": "string",
      "description": "Absolute."
     },
     "pathBase64": {
      "$ref": "#/components/schemas/TreePathBytes"
     }
    }
   },
   "StopResponse": {
    "type": "object",
    "required": [
     "exit"
    ],
    "properties": {
     "exit": {
      "$ref": "#/components/schemas/ExitRecord"
     },
     "unheard": {
      "type": "object",
      "description": "PID 1 could not hear the signal.",
      "required": [
       "signal",
       "reason",
       "message"
      ],
      "properties": {
       "signal": {
        "type": "integer"
       },
       "reason": {
        "type": "string",
        "enum": [
         "ignored",
         "default-of-pid-1"
        ]
       },
       "message": {
        "type": "string"
       }
      }
     }
    }
   },
   "KillRequest": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
     "signal": {
      "type": "string",
      "minLength": 1,
      "maxLength": 32,
      "description": "`SIGTERM`, `TERM` or `15`; left out, KILL."
     }
    }
   },
   "WaitResponse": {
    "description": "`exit` for `stopped` and `removed`, `health` for `healthy`.",
    "type": "object",
    "properties": {
     "exit": {
      "$ref": "#/components/schemas/ExitRecord"
     },
     "health": {
      "$ref": "#/components/schemas/HealthStatus"
     }
    }
   },
   "LogRecord": {
    "description": "One line; one longer than 16 KiB is several records, all but the last with `partial`.",
    "type": "object",
    "required": [
     "time",
     "stream"
    ],
    "properties": {
     "time": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "stream": {
      "type": "string",
      "enum": [
       "stdout",
       "stderr"
      ]
     },
     "text": {
      "type": "string",
      "description": "The bytes without the line feed",
      "where they are UTF-8.": null
     },
     "base64": {
      "type": "string",
      "description": "The bytes",
      "where they are not.": null
     },
     "partial": {
      "type": "boolean"
     }
    }
   },
   "SnapshotSummary": {
    "type": "object",
    "required": [
     "kind",
     "key",
     "path",
     "sizeInBytes",
     "inodes",
     "createdAt",
     "images",
     "containers"
    ],
    "properties": {
     "kind": {
      "type": "string",
      "enum": [
       "layer",
       "fixup",
       "upper"
      ],
      "description": "`layer`: one extracted layer, by diff ID. `fixup`: what a stack of layers needs on top to equal sequential extraction, by chain ID.\n`upper`: a container's writable layer.\n"
     },
     "key": {
      "type": "string"
     },
     "path": {
      "type": "string"
     },
     "sizeInBytes": {
      "type": "integer",
      "format": "int64",
      "description": "Blocks on disk; a hard-linked file counts once."
     },
     "inodes": {
      "type": "integer",
      "format": "int64"
     },
     "compressedSizeInBytes": {
      "type": "integer",
      "format": "int64"
     },
     "createdAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "images": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Manifest digests that use a lower."
     },
     "containers": {
      "type": "array",
      "items": {
       "type": "string"
      }
     },
     "uncompressedSizeInBytes": {
      "type": "integer",
      "format": "int64",
      "description": "A layer's tar."
     },
     "measuredAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "stale": {
      "type": "boolean",
      "description": "Of an upper: it is as it was measured then, or was never measured."
     }
    }
   },
   "SnapshotUsage": {
    "type": "object",
    "required": [
     "snapshots",
     "lowerBytes",
     "lowerInodes",
     "upperBytes",
     "upperInodes",
     "unsharedBytes",
     "freeBytes",
     "freeInodes",
     "exclusiveBytes",
     "sharedBytes",
     "images"
    ],
    "properties": {
     "snapshots": {
      "type": "array",
      "items": {
       "$ref": "#/components/schemas/SnapshotSummary"
      }
     },
     "lowerBytes": {
      "type": "integer",
      "format": "int64"
     },
     "lowerInodes": {
      "type": "integer",
      "format": "int64"
     },
     "upperBytes": {
      "type": "integer",
      "format": "int64"
     },
     "upperInodes": {
      "type": "integer",
      "format": "int64"
     },
     "unsharedBytes": {
      "type": "integer",
      "format": "int64",
      "description": "What the lowers would take if each container had a copy."
     },
     "freeBytes": {
      "type": "integer",
      "format": "int64"
     },
     "freeInodes": {
      "type": "integer",
      "format": "int64"
     },
     "exclusiveBytes": {
      "type": "integer",
      "format": "int64",
      "description": "Of lowers that one image alone has."
     },
     "sharedBytes": {
      "type": "integer",
      "format": "int64",
      "description": "Of lowers that several images have."
     },
     "images": {
      "type": "array",
      "items": {
       "$ref": "#/components/schemas/ImageShare"
      }
     }
    }
   },
   "ImageShare": {
    "description": "What one image takes, and with whom it shares it.",
    "type": "object",
    "required": [
     "manifestDigest",
     "references",
     "compressedBytes",
     "sizeInBytes",
     "exclusiveBytes",
     "sharedBytes",
     "sharedWith",
     "containers"
    ],
    "properties": {
     "manifestDigest": {
      "type": "string"
     },
     "references": {
      "type": "array",
      "items": {
       "type": "string"
      }
     },
     "compressedBytes": {
      "type": "integer",
      "format": "int64"
     },
     "sizeInBytes": {
      "type": "integer",
      "format": "int64"
     },
     "exclusiveBytes": {
      "type": "integer",
      "format": "int64",
      "description": "Of layers that no other image has."
     },
     "sharedBytes": {
      "type": "integer",
      "format": "int64"
     },
     "sharedWith": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Manifest digests."
     },
     "containers": {
      "type": "array",
      "items": {
       "type": "string"
      }
     }
    }
   },
   "SnapshotTree": {
    "type": "object",
    "required": [
     "images",
     "layers"
    ],
    "properties": {
     "images": {
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "manifestDigest",
        "references",
        "layers"
       ],
       "properties": {
        "manifestDigest": {
         "type": "string"
        },
        "references": {
         "type": "array",
         "items": {
          "type": "string"
         }
        },
        "layers": {
         "type": "array",
         "items": {
          "type": "string"
         },
         "description": "Diff IDs from the lowest up, repeated ones repeated."
        },
        "fixup": {
         "type": "string",
         "description": "The chain ID of what stands on top of them."
        }
       }
      }
     },
     "layers": {
      "type": "array",
      "items": {
       "$ref": "#/components/schemas/SnapshotSummary"
      }
     }
    }
   },
   "SnapshotOwner": {
    "type": "object",
    "required": [
     "kind",
     "images",
     "references",
     "containers"
    ],
    "properties": {
     "kind": {
      "type": "string",
      "enum": [
       "layer",
       "fixup",
       "upper",
       "container",
       "mount",
       "blob",
       "records",
       "trash",
       "underWay",
       "orphan",
       "root",
       "unknown"
      ]
     },
     "key": {
      "type": "string",
      "description": "The diff ID, chain ID, container's ID, digest or mount point."
     },
     "path": {
      "type": "string",
      "description": "Of the host."
     },
     "inside": {
      "type": "string",
      "description": "The path in the layer, upper or container."
     },
     "type": {
      "type": "string",
      "enum": [
       "file",
       "directory",
       "link",
       "device",
       "pipe",
       "socket"
      ],
      "description": "Left out where nothing is there."
     },
     "sizeInBytes": {
      "type": "integer",
      "format": "int64"
     },
     "merged": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Of a directory in a container: those that are merged, the uppermost first."
     },
     "images": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Manifest digests."
     },
     "references": {
      "type": "array",
      "items": {
       "type": "string"
      }
     },
     "containers": {
      "type": "array",
      "items": {
       "type": "string"
      }
     },
     "note": {
      "type": "string"
     }
    }
   },
   "SnapshotOrphan": {
    "type": "object",
    "required": [
     "kind",
     "path",
     "sizeInBytes",
     "inodes",
     "fate"
    ],
    "properties": {
     "kind": {
      "type": "string",
      "enum": [
       "layer",
       "container",
       "blob",
       "ingest",
       "trash",
       "unknown"
      ]
     },
     "path": {
      "type": "string"
     },
     "sizeInBytes": {
      "type": "integer",
      "format": "int64"
     },
     "inodes": {
      "type": "integer",
      "format": "int64"
     },
     "fate": {
      "type": "string",
      "enum": [
       "deleted",
       "swept",
       "underWay",
       "kept"
      ],
      "description": "`deleted`: it is in the trash. `swept`: moved there by the next sweep, at the latest when the daemon starts. `underWay`: about to be recorded.\n`kept`: not the daemon's, and left alone.\n"
     }
    }
   },
   "DiskUsage": {
    "description": "What the root takes. Sizes are blocks on disk; those of all parts are the total's.",
    "type": "object",
    "required": [
     "root",
     "filesystem",
     "images",
     "layers",
     "uppers",
     "containerFiles",
     "blobs",
     "trash",
     "underWay",
     "records",
     "totalBytes",
     "totalInodes",
     "freeBytes",
     "freeInodes",
     "reserveBytes",
     "reserveInodes"
    ],
    "properties": {
     "root": {
      "type": "string"
     },
     "filesystem": {
      "type": "string"
     },
     "images": {
      "type": "object",
      "required": [
       "count",
       "active",
       "sizeInBytes",
       "inodes",
       "reclaimableBytes",
       "reclaimableInodes"
      ],
      "properties": {
       "count": {
        "type": "integer"
       },
       "active": {
        "type": "integer",
        "description": "That containers use."
       },
       "sizeInBytes": {
        "type": "integer",
        "format": "int64",
        "description": "Their layers, each once."
       },
       "inodes": {
        "type": "integer",
        "format": "int64"
       },
       "reclaimableBytes": {
        "type": "integer",
        "format": "int64",
        "description": "What would go with every image that no container uses."
       },
       "reclaimableInodes": {
        "type": "integer",
        "format": "int64"
       }
      }
     },
     "layers": {
      "description": "The same layers, by who uses them.",
      "type": "object",
      "required": [
       "count",
       "uniqueBytes",
       "sharedBytes",
       "detached"
      ],
      "properties": {
       "count": {
        "type": "integer"
       },
       "uniqueBytes": {
        "type": "integer",
        "format": "int64"
       },
       "sharedBytes": {
        "type": "integer",
        "format": "int64"
       },
       "detached": {
        "$ref": "#/components/schemas/DiskUsagePart"
       }
      }
     },
     "uppers": {
      "type": "object",
      "required": [
       "method",
       "running",
       "reclaimableBytes",
       "reclaimableInodes",
       "staleCount",
       "part"
      ],
      "properties": {
       "method": {
        "type": "string",
        "enum": [
         "quota",
         "walk"
        ],
        "description": "`quota`: the filesystem counts them, workdirs and deleted files that are still open included."
       },
       "running": {
        "type": "integer"
       },
       "reclaimableBytes": {
        "type": "integer",
        "format": "int64",
        "description": "Of those that don't run."
       },
       "reclaimableInodes": {
        "type": "integer",
        "format": "int64"
       },
       "staleCount": {
        "type": "integer",
        "description": "How many are as they were measured before."
       },
       "part": {
        "$ref": "#/components/schemas/DiskUsagePart"
       }
      }
     },
     "containerFiles": {
      "$ref": "#/components/schemas/DiskUsagePart"
     },
     "blobs": {
      "$ref": "#/components/schemas/DiskUsagePart"
     },
     "trash": {
      "$ref": "#/components/schemas/DiskUsagePart"
     },
     "underWay": {
      "$ref": "#/components/schemas/DiskUsagePart"
     },
     "records": {
      "$ref": "#/components/schemas/DiskUsagePart"
     },
     "totalBytes": {
      "type": "integer",
      "format": "int64"
     },
     "totalInodes": {
      "type": "integer",
      "format": "int64"
     },
     "freeBytes": {
      "type": "integer",
      "format": "int64"
     },
     "freeInodes": {
      "type": "integer",
      "format": "int64"
     },
     "reserveBytes": {
      "type": "integer",
      "format": "int64"
     },
     "reserveInodes": {
      "type": "integer",
      "format": "int64"
     },
     "imageRows": {
      "type": "array",
      "items": {
       "$ref": "#/components/schemas/ImageShare"
      }
     },
     "snapshotRows": {
      "type": "array",
      "items": {
       "$ref": "#/components/schemas/SnapshotSummary"
      }
     }
    }
   },
   "DiskUsagePart": {
    "type": "object",
    "required": [
     "count",
     "sizeInBytes",
     "inodes"
    ],
    "properties": {
     "count": {
      "type": "integer"
     },
     "sizeInBytes": {
      "type": "integer",
      "format": "int64"
     },
     "inodes": {
      "type": "integer",
      "format": "int64"
     },
     "measuredAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "stale": {
      "type": "boolean",
      "description": "Some of it is as it was measured then."
     }
    }
   },
   "UpperReport": {
    "description": "What a container has written. Sizes are blocks on disk; a hard-linked file counts once.",
    "type": "object",
    "required": [
     "container",
     "name",
     "path",
     "measuredAt",
     "sizeInBytes",
     "inodes",
     "files",
     "directories",
     "largestFiles",
     "fullestDirectories",
     "copiedUp",
     "whiteouts",
     "opaqueDirectories"
    ],
    "properties": {
     "container": {
      "type": "string"
     },
     "name": {
      "type": "string"
     },
     "path": {
      "type": "string"
     },
     "measuredAt": {
      "$ref": "#/components/schemas/Timestamp"
     },
     "sizeInBytes": {
      "type": "integer",
      "format": "int64"
     },
     "inodes": {
      "type": "integer",
      "format": "int64"
     },
     "growth": {
      "description": "Since somebody was last told; left out the first time.",
      "type": "object",
      "required": [
       "sizeInBytes",
       "inodes",
       "since"
      ],
      "properties": {
       "sizeInBytes": {
        "type": "integer",
        "format": "int64"
       },
       "inodes": {
        "type": "integer",
        "format": "int64"
       },
       "since": {
        "$ref": "#/components/schemas/Timestamp"
       }
      }
     },
     "files": {
      "type": "integer",
      "format": "int64",
      "description": "Everything but directories and whiteouts."
     },
     "directories": {
      "type": "integer",
      "format": "int64",
      "description": "The upper itself included."
     },
     "largestFiles": {
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "path",
        "sizeInBytes"
       ],
       "properties": {
        "path": {
         "$ref": "#/components/schemas/TreePath"
        },
        "pathBase64": {
         "$ref": "#/components/schemas/TreePathBytes"
        },
        "sizeInBytes": {
         "type": "integer",
         "format": "int64"
        }
       }
      }
     },
     "fullestDirectories": {
      "type": "array",
      "description": "By what lies directly in them.",
      "items": {
       "type": "object",
       "required": [
        "path",
        "sizeInBytes",
        "inodes"
       ],
       "properties": {
        "path": {
         "$ref": "#/components/schemas/TreePath"
        },
        "pathBase64": {
         "$ref": "#/components/schemas/TreePathBytes"
        },
        "sizeInBytes": {
         "type": "integer",
         "format": "int64"
        },
        "inodes": {
         "type": "integer",
         "format": "int64"
        }
       }
      }
     },
     "copiedUp": {
      "description": "Files in the place of a lower's, copied to be changed or written anew.",
      "type": "object",
      "required": [
       "count",
       "sizeInBytes",
       "lowerSizeInBytes",
       "largest"
      ],
      "properties": {
       "count": {
        "type": "integer"
       },
       "sizeInBytes": {
        "type": "integer",
        "format": "int64"
       },
       "lowerSizeInBytes": {
        "type": "integer",
        "format": "int64"
       },
       "largest": {
        "type": "array",
        "description": "Those with the largest lower files.",
        "items": {
         "type": "object",
         "required": [
          "path",
          "sizeInBytes",
          "lowerSizeInBytes",
          "lower"
         ],
         "properties": {
          "path": {
           "$ref": "#/components/schemas/TreePath"
          },
          "pathBase64": {
           "$ref": "#/components/schemas/TreePathBytes"
          },
          "sizeInBytes": {
           "type": "integer",
           "format": "int64"
          },
          "lowerSizeInBytes": {
           "type": "integer",
           "format": "int64"
          },
          "lower": {
           "type": "string",
           "description": "The diff ID of the layer, or the chain ID of the fix-up, that has it."
          }
         }
        }
       }
      }
     },
     "whiteouts": {
      "$ref": "#/components/schemas/TreeMarks"
     },
     "opaqueDirectories": {
      "$ref": "#/components/schemas/TreeMarks"
     }
    }
   },
   "TreePath": {
    "type": "string",
    "description": "A path in the container, from `/` on; bytes that are not UTF-8 as `\\xff`."
   },
   "TreePathBytes": {
    "type": "string",
    "description": "The bytes of a path that is not UTF-8."
   },
   "TreeMarks": {
    "description": "All counted, the first ones in the order of the tree named.",
    "type": "object",
    "required": [
     "count",
     "first"
    ],
    "properties": {
     "count": {
      "type": "integer"
     },
     "first": {
      "type": "array",
      "items": {
       "type": "object",
       "required": [
        "path"
       ],
       "properties": {
        "path": {
         "$ref": "#/components/schemas/TreePath"
        },
        "pathBase64": {
         "$ref": "#/components/schemas/TreePathBytes"
        }
       }
      }
     }
    }
   },
   "CheckRequest": {
    "type": "object",
    "additionalProperties": false,
    "properties": {
     "full": {
      "type": "boolean",
      "default": false,
      "description": "Also contents, link targets, attributes and blobs' digests: everything is read."
     },
     "targets": {
      "type": "array",
      "maxItems": 1000,
      "items": {
       "type": "string",
       "minLength": 1,
       "maxLength": 1024
      },
      "description": "Layers (a diff ID, a fix-up's chain ID, twelve or more of its digits, or the directory's name) and images; left out or empty, all that is stored."
     }
    }
   },
   "CheckEvent": {
    "type": "object",
    "required": [
     "event"
    ],
    "properties": {
     "event": {
      "type": "string",
      "enum": [
       "checking",
       "finding",
       "done",
       "failed"
      ],
      "description": "`checking`: object, for layers current and total; some are left out where the client reads slowly. `finding`: finding. `done`: summary. `failed`: problem.\n"
     },
     "object": {
      "type": "string"
     },
     "current": {
      "type": "integer",
      "format": "int64"
     },
     "total": {
      "type": "integer",
      "format": "int64"
     },
     "finding": {
      "$ref": "#/components/schemas/CheckFinding"
     },
     "summary": {
      "$ref": "#/components/schemas/CheckSummary"
     },
     "problem": {
      "$ref": "#/components/schemas/Problem"
     }
    }
   },
   "CheckFinding": {
    "type": "object",
    "required": [
     "kind",
     "object",
     "expected",
     "found"
    ],
    "properties": {
     "kind": {
      "type": "string",
      "enum": [
       "database",
       "layer",
       "blob",
       "image",
       "orphan"
      ]
     },
     "object": {
      "type": "string",
      "description": "Diff ID, chain ID, digest, or an orphan's path."
     },
     "path": {
      "type": "string",
      "description": "In a layer, from its root; `layer.json` and `files` are beside its tree."
     },
     "expected": {
      "type": "string"
     },
     "found": {
      "type": "string"
     },
     "remedy": {
      "type": "string"
     }
    }
   },
   "CheckSummary": {
    "type": "object",
    "required": [
     "full",
     "layers",
     "names",
     "readBytes",
     "blobs",
     "images",
     "findings",
     "unlisted"
    ],
    "properties": {
     "full": {
      "type": "boolean"
     },
     "layers": {
      "type": "integer",
      "format": "int64"
     },
     "names": {
      "type": "integer",
      "format": "int64",
      "description": "Names in layers that were compared."
     },
     "readBytes": {
      "type": "integer",
      "format": "int64"
     },
     "blobs": {
      "type": "integer",
      "format": "int64"
     },
     "images": {
      "type": "integer",
      "format": "int64"
     },
     "findings": {
      "type": "integer",
      "format": "int64"
     },
     "unlisted": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Layers that an older version stored without checksums; they can't be checked in full."
     }
    }
   },
   "RepairRequest": {
    "type": "object",
    "additionalProperties": false,
    "required": [
     "layer"
    ],
    "properties": {
     "layer": {
      "type": "string",
      "minLength": 1,
      "maxLength": 256,
      "description": "A diff ID, a fix-up's chain ID, twelve or more of its digits, or the directory's name."
     },
     "credentials": {
      "type": "object",
      "maxProperties": 64,
      "additionalProperties": {
       "$ref": "#/components/schemas/RegistryCredentials"
      },
      "description": "By registry host, for the registries that may be asked."
     }
    }
   },
   "RepairEvent": {
    "type": "object",
    "required": [
     "event"
    ],
    "properties": {
     "event": {
      "type": "string",
      "enum": [
       "trying",
       "pulling",
       "verifying",
       "done",
       "failed"
      ],
      "description": "`trying`: source. `pulling`: current and total bytes (compressed). `verifying`: what was unpacked is read back. `done`: result. `failed`: problem."
     },
     "source": {
      "type": "string",
      "description": "`kept blob`, `layers below`, or a reference."
     },
     "current": {
      "type": "integer",
      "format": "int64"
     },
     "total": {
      "type": "integer",
      "format": "int64"
     },
     "result": {
      "$ref": "#/components/schemas/RepairResult"
     },
     "problem": {
      "$ref": "#/components/schemas/Problem"
     }
    }
   },
   "RepairResult": {
    "type": "object",
    "required": [
     "layer",
     "source",
     "containers"
    ],
    "properties": {
     "layer": {
      "type": "string"
     },
     "source": {
      "type": "string"
     },
     "containers": {
      "type": "array",
      "items": {
       "type": "string"
      },
      "description": "Those that go on with the old files until they end."
     }
    }
   }
  }
 }
}
"""#
