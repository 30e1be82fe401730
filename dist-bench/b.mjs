import { fork } from 'node:child_process';
import net from 'node:net';
import { Hub, LocalBus, SocketLink, maxFrameOf, encode, decode } from './bus/index.js';
const MP=1<<20, QL=8<<20, N=4;
if (process.argv[2]) {
  const id=+process.argv[2];
  const bus=new LocalBus(new SocketLink(new net.Socket({fd:4}),maxFrameOf(MP)),{id,address:id-1,generation:0},{maxPayload:MP,queueLimit:QL});
  let got=0, want=Infinity, done;
  await bus.open({onPublish(p){decode(p.payload); if(++got>=want) done?.()},onRequest(r){bus.reply(r,'ok',encode('r',decode(r.payload),MP))},onTask(t){bus.settle(t,'ok',encode('r',decode(t.payload),MP))},onMembers(){},onClosed(){process.exit()}});
  bus.serve(['job']);
  process.on('message', async m=>{
    const v={id:123456,name:'user name',email:'a@example.com',tags:['a','b'],active:true,score:1.5, when:'2024-01-01T00:00:00Z'};
    if(m.go==='pub'){ const t=performance.now(); for(let i=0;i<m.n;i++) await bus.publish('cache.clear',encode('e',v,MP)); await bus.flush(); process.send({t:performance.now()-t}); }
    if(m.go==='want'){ const c0=process.cpuUsage(); got=0; want=m.n; await new Promise(r=>done=r); const c=process.cpuUsage(c0); process.send({got, cpu:c.user+c.system}); }
    if(m.go==='job'){ const t=performance.now(); let left=m.n; await Promise.all(Array.from({length:64},async()=>{while(left-->0) decode((await bus.enqueue({event:'job',payload:encode('e',v,MP),deadline:Infinity,redeliveries:2,attempts:1},{})).payload)})); process.send({t:performance.now()-t}); }
    if(m.go==='req'){ const t=performance.now(); let left=m.n; await Promise.all(Array.from({length:64},async(_, k)=>{while(left-->0) decode((await bus.request(2+k%3,'q',encode('e',v,MP),Infinity,{})).payload)})); process.send({t:performance.now()-t}); }
    if(m.go==='task1'){ try{ const a=await bus.enqueue({event:'job',payload:encode('e',v,MP),deadline:Infinity,redeliveries:2,attempts:1},{}); process.send({o:a.outcome}) }catch(e){process.send({e:e.message})} }
  });
  process.send('up');
} else {
  const hub=new Hub({queueLimit:QL,warn:m=>console.log('WARN',m)});
  const kids=[];
  for(let i=1;i<=N;i++){ const k=fork(process.argv[1],[String(i)],{stdio:['inherit','inherit','inherit','ipc','pipe']}); hub.attach({id:i,slot:i-1,generation:0,pid:k.pid},new SocketLink(k.stdio[4],maxFrameOf(MP),'turn')); await new Promise(r=>k.once('message',r)); hub.ready(i); kids.push(k); }
  const ask=(k,m)=>new Promise(r=>{k.once('message',r);k.send(m)});
  for(let round=0;round<3;round++){
    const n=100000; let c0=process.cpuUsage(); let t=performance.now();
    const recv=kids.slice(1).map(k=>ask(k,{go:'want',n}));
    await new Promise(r=>setTimeout(r,100)); t=performance.now();
    const s=await ask(kids[0],{go:'pub',n}); const r=await Promise.all(recv); const dt=performance.now()-t; let c=process.cpuUsage(c0);
    console.log('broadcast deliveries/s', Math.round(n*N/dt*1000), 'hub cpu us/delivery', ((c.user+c.system)/(n*N)).toFixed(2),'recv cpu us', r.map(x=>(x.cpu/n).toFixed(2)).join());
    c0=process.cpuUsage(); let j=await ask(kids[0],{go:'job',n:30000}); c=process.cpuUsage(c0); console.log('consume/s (64 conc.)', Math.round(30000/j.t*1000),'hub us', ((c.user+c.system)/30000).toFixed(1));
    j=await ask(kids[0],{go:'req',n:30000}); console.log('request/s', Math.round(30000/j.t*1000));
  }
  console.log('dropped',hub.dropped, process.memoryUsage().rss>>20);
  const big=kids.slice(2).map(k=>ask(k,{go:'want',n:Infinity})); kids[3].kill('SIGSTOP');
  console.log(await Promise.race([ask(kids[0],{go:'pub',n:400000}), new Promise(r=>setTimeout(r,3000,'held'))]), 'rss', process.memoryUsage().rss>>20);
  kids[3].kill('SIGKILL'); await new Promise(r=>kids[3].once('exit',r)); await new Promise(r=>setTimeout(r,200)); console.log(hub.members.map(m=>m.slot));
  for(const k of kids) k.kill('SIGKILL'); process.exit();
}
