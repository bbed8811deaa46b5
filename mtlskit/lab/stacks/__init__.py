"""Real servers, each run by one small driver: nginx, Apache, HAProxy, Java and others.

Law of this room: a driver writes a configuration and names a command; starting, waiting, logging
and ending is the same for all. Every server is bound to loopback, belongs to nobody, and is gone
when its context is left or its starter has ended, however that came about.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mtlskit.lab.stacks import (
    apache,
    brokers,
    caddy,
    gnutls,
    haproxy,
    java,
    lighttpd,
    nginx,
    openssl,
    postgresql,
    scripted,
    stunnel,
    tomcat,
)
from mtlskit.lab.stacks.setup import DEPTH as DEPTH
from mtlskit.lab.stacks.setup import NotHere as NotHere
from mtlskit.lab.stacks.setup import Running as Running
from mtlskit.lab.stacks.setup import Setup as Setup
from mtlskit.lab.stacks.setup import Stack as Stack

_ALL = (
    openssl.PLAIN,
    openssl.WWW,
    nginx.NGINX,
    nginx.STREAM,
    apache.APACHE,
    haproxy.HAPROXY,
    stunnel.STUNNEL,
    lighttpd.LIGHTTPD,
    caddy.CADDY,
    gnutls.GNUTLS,
    java.SOCKET,
    java.HTTPS,
    tomcat.TOMCAT,
    scripted.NODE,
    scripted.PYTHON,
    scripted.ASYNCIO,
    scripted.GO,
    brokers.REDIS,
    brokers.MOSQUITTO,
    postgresql.POSTGRESQL,
)

STACKS: Mapping[str, Stack] = MappingProxyType({one.name: one for one in _ALL})
"""Every real server that the lab knows how to run, by its name, whether it is here or not."""
