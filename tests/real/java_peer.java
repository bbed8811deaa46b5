import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** One TLS call, or one TLS answer, with Java's own default managers; stores come by system property. */
class java_peer {
    public static void main(String[] words) throws Exception {
        String[] versions = words[2].split(",");
        if (words[0].equals("client")) client(Integer.parseInt(words[1]), versions);
        else server(Integer.parseInt(words[1]), versions);
    }

    static void client(int port, String[] versions) {
        try (Socket plain = new Socket()) {
            plain.connect(new InetSocketAddress("127.0.0.1", port), 5000);
            plain.setSoTimeout(5000);
            SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
            SSLSocket socket = (SSLSocket) factory.createSocket(plain, "localhost", port, true);
            socket.setEnabledProtocols(versions);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes());
            socket.getOutputStream().flush();
            socket.getInputStream().read(new byte[2048]);
            socket.close();
        } catch (Exception failure) {
            System.out.println(failure);
        }
    }

    static void server(int times, String[] versions) throws Exception {
        InetAddress here = InetAddress.getByName("127.0.0.1");
        SSLServerSocketFactory factory = (SSLServerSocketFactory) SSLServerSocketFactory.getDefault();
        SSLServerSocket listening = (SSLServerSocket) factory.createServerSocket(0, 50, here);
        listening.setNeedClientAuth(true);
        listening.setEnabledProtocols(versions);
        System.out.println(listening.getLocalPort());
        for (int i = 0; i < times; i++) {
            try (SSLSocket socket = (SSLSocket) listening.accept()) {
                socket.setSoTimeout(5000);
                socket.startHandshake();
                socket.getInputStream().read(new byte[512]);
                socket.getOutputStream().write("HTTP/1.0 200 OK\r\n\r\nok".getBytes());
            } catch (Exception failure) {
                System.out.println(failure);
            }
        }
    }
}
