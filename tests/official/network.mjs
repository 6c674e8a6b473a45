// Where the names lead, since not every resolver knows *.localhost: every connection there goes to akvd's port on
// 127.0.0.1, whatever port the URL says, so that the clients use the URLs that they would use at Azure. TLS still asks
// for the name in the URL and checks it.
import net from 'node:net';

const port = Number(process.env.AKVD_PORT);
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  const list = Array.isArray(args[0]) ? args[0] : args;
  if (list[0]?.host?.endsWith('localhost')) list[0] = { ...list[0], host: '127.0.0.1', port };
  return connect.apply(this, args);
};
