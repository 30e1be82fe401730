import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** How long a server is listened to that lets nobody in, in ms. */
const LISTEN_TIME = 500;

/**
 * What a server says to whoever connects, and lets nobody in: that it has as many connections as it may have. Clients keep
 * that to themselves, and say that the connection broke, or took too long.
 */
export async function refusalOf(host: string, port: number): Promise<string | undefined> {
  const { said } = await listened(connect({ host, port }), 'close');
  return /^-ERR '?(.+?)'?\r?$/m.exec(said)?.[1];
}

/** Whether a server answers to a plain line, and so speaks no TLS there. */
export async function answersPlainly(host: string, port: number, line: string): Promise<boolean> {
  const socket = connect({ host, port }, () => socket.write(line));
  const { said } = await listened(socket, 'data');
  return /^[+-]/.test(said);
}

/** Whether a server speaks TLS, whoever has signed its certificate; nothing is sent to it. */
export async function speaksTls(host: string, port: number): Promise<boolean> {
  const { came } = await listened(connectTls({ host, port, rejectUnauthorized: false }), 'secureConnect');
  return came;
}

/** What was read from a socket until `event` came, it ended, or its time was over. */
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
