import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** How long to wait for the reply of a server that accepts no clients, in ms. */
const LISTEN_TIME = 500;

/**
 * Returns the error that a server sends to a new client that it refuses, such as that it has reached its limit of
 * connections. Client libraries hide that text, and report a broken connection or a timeout.
 */
export async function refusalOf(host: string, port: number): Promise<string | undefined> {
  const { said } = await listened(connect({ host, port }), 'close');
  return /^-ERR '?(.+?)'?\r?$/m.exec(said)?.[1];
}

/** Whether a server answers to a plain-text line, and so does not speak TLS on that port. */
export async function answersPlainly(host: string, port: number, line: string): Promise<boolean> {
  const socket = connect({ host, port }, () => socket.write(line));
  const { said } = await listened(socket, 'data');
  return /^[+-]/.test(said);
}

/** Whether a server speaks TLS, with any certificate; nothing is sent to it. */
export async function speaksTls(host: string, port: number): Promise<boolean> {
  const { came } = await listened(connectTls({ host, port, rejectUnauthorized: false }), 'secureConnect');
  return came;
}

/** What was read from a socket until `event` came, the socket ended, or the time was over. */
function listened(socket: Socket, event: 'data' | 'close' | 'secureConnect'): Promise<{ said: string; came: boolean }> {
  return new Promise((resolve) => {
    let said = '';
    const end = (came: boolean) => {
      resolve({ said, came });
      socket.destroy();
    };
    socket.setTimeout(LISTEN_TIME, () => end(false));
    socket.on('data', (bytes: Buffer) => void (said += bytes.toString('latin1')));
    socket.on(event, () => end(true));
    socket.on('error', () => end(false)).on('close', () => end(false));
  });
}
