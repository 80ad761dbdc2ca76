"""Downloads with libtorrent on the loopback: by a torrent, or by a magnet link.

  bittorrent.py torrent FILE FOLDER
  bittorrent.py magnet LINK FOLDER TORRENT

No peer has a byte of the file: it comes from web seeds. A magnet link has no metadata, which a
second session with TORRENT, and nothing else, gives. Prints the v1 info hash and how many bytes
came from peers.
"""

import sys
import tempfile
import time

import libtorrent

SECONDS_MAX = 50


def session():
    return libtorrent.session(
        {
            "listen_interfaces": "127.0.0.1:0",
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "ssrf_mitigation": False,
            "allow_multiple_connections_per_ip": True,
            "alert_mask": 0,
        }
    )


def main():
    kind, what, folder = sys.argv[1:4]
    ours = session()
    if kind == "torrent":
        handle = ours.add_torrent({"ti": libtorrent.torrent_info(what), "save_path": folder})
    else:
        peer = session()
        info = libtorrent.torrent_info(sys.argv[4])
        params = libtorrent.add_torrent_params()
        params.ti = info
        params.save_path = tempfile.mkdtemp(dir=folder)
        # The peer knows what the file is and downloads nothing.
        params.file_priorities = [0]
        params.url_seeds = []
        knowing = peer.add_torrent(params)
        for seed in list(knowing.url_seeds()):
            knowing.remove_url_seed(seed)
        params = libtorrent.parse_magnet_uri(what)
        params.save_path = folder
        handle = ours.add_torrent(params)
        handle.connect_peer(("127.0.0.1", peer.listen_port()))
    end = time.monotonic() + SECONDS_MAX
    while not handle.status().is_seeding:
        if time.monotonic() > end:
            sys.exit(f"not done: {handle.status().state} {handle.status().errc}")
        time.sleep(0.05)
    status = handle.status()
    payload = sum(peer.payload_down for peer in handle.get_peer_info() if not is_web(peer))
    print(status.info_hashes.v1, payload)


def is_web(peer):
    return peer.connection_type != libtorrent.peer_info.standard_bittorrent


main()
