/* Claims about infinite runs of the benchmark model; Specs/Benchmarks/TDXTeardownLive.swift has the same ones.
 * spin -a -DCLAIM=1 -DN=2 -DP=1 -DL=1 -DF=1 tdx-live.pml ; gcc -O2 -DNOREDUCE pan.c -o pan ; ./pan -a     (N, P <= 2; L = 1)
 *
 * Every action of the model disables itself, so that weak fairness of an instance is "infinitely often disabled".
 * Enter(v,l) is strongly fair if it is "for ever disabled from some moment on, or taken infinitely often", and it is taken
 * infinitely often exactly if v infinitely often runs and infinitely often does not (L = 1).
 * `stop` takes a step that changes nothing: a run may stop wherever fairness allows it.
 * Claims with an element (a page, a vCPU) are about element E.
 * Claims 1 to 3 are LTL; for 4 to 6 Spin's translator takes too long, so that the automaton of the negated claim is written
 * out: guess when the claim begins to be pending, then go round the fairness conditions (WAIT) while it stays so.
 */
#ifndef E
#define E 0
#endif
#include "tdx.pml"

bit still;
active proctype stop() { do :: still = 0 od }

#define CANTRACK (LIVE && ANYP(ISBLOCKED) && ALLP(PREVDONE))
#define CANENTER(v) (td==3 && !(rn & B(v)) && (assoc[v]==0 || assoc[v]==1) && ALLV(NOTLP,0))
#define RUNS(v) ((rn & B(v)) != 0)
#define CANWB (td==4 && hkid==3 && !(wb & B(0)))
#define CANFREE (td==4 && hkid==3 && wb==1)
#define CANFLUSH(v) (assoc[v]!=0 && !(rn & B(v)) && hkid==2)
#define CANFLUSHDONE (td==4 && hkid==2 && ALLV(UNASSOC,0))
#define CANRECLAIM(p) (td==4 && hkid==0 && sept[p]>=1 && sept[p]<=3)
#define CANDESTROY (td==4 && hkid==0 && ALLP(NOTBUSY) && gmem==0 && slot==0)

#if N==1
#define SECONDV(x) true
#else
#define SECONDV(x) (x)
#endif
#if P==1
#define SECONDP(x) true
#else
#define SECONDP(x) (x)
#endif

#define LEADSTO(p,q) ([] ((p) -> (<> (q))))

/* Eight conditions, each of which holds infinitely often, while `stay` holds all the time. */
#define WAIT(n,stay,i,c,next) n##i: if :: (stay) && (c) -> goto next :: (stay) && !(c) -> goto n##i fi;
#define ROUND(n,stay,a,b,c,d,e,f,g,h) \
  WAIT(n,stay,0,a,n##1) WAIT(n,stay,1,b,n##2) WAIT(n,stay,2,c,n##3) WAIT(n,stay,3,d,n##4) \
  WAIT(n,stay,4,e,n##5) WAIT(n,stay,5,f,n##6) WAIT(n,stay,6,g,n##7) WAIT(n,stay,7,h,accept_##n) \
  accept_##n: if :: (stay) -> goto n##0 fi;

#if CLAIM==1
ltl b1 { (([]<>(!CANWB)) && ([]<>(!CANFREE))) -> LEADSTO(hkid==3, hkid==0) }
#elif CLAIM==2
ltl b2 { ([]<>(!CANTRACK)) -> LEADSTO(sept[E]==2, sept[E]!=2 || td==4) }
#elif CLAIM==3 && N==1
ltl b3 { (([]<>(!CANTRACK)) && ([]<>(!RUNS(0)))) -> LEADSTO(sept[E]==2, sept[E]!=2 || td==4) }
#elif CLAIM==3
ltl b3 { (([]<>(!CANTRACK)) && ([]<>(!RUNS(0))) && ([]<>(!RUNS(1)))) -> LEADSTO(sept[E]==2, sept[E]!=2 || td==4) }
#elif CLAIM==4
#define OPEN (td==3 && !RUNS(E))
never b4 {
T: if :: true -> goto T :: OPEN -> goto W0 fi;
ROUND(W, OPEN, !CANENTER(0), !RUNS(0), SECONDV(!CANENTER(1)), SECONDV(!RUNS(1)), true, true, true, true)
}
#elif CLAIM==5
#define OPEN (td==3 && !RUNS(E))
#define OFF(v) (OPEN && !CANENTER(v))
never b5 {
T: if :: true -> goto T :: OPEN -> goto X0 :: OPEN -> goto Y0 :: OPEN -> goto Z0 :: OPEN -> goto W0 fi;
ROUND(X, OFF(0) && SECONDV(!CANENTER(1)), !RUNS(0), SECONDV(!RUNS(1)), true, true, true, true, true, true)
ROUND(Y, OFF(0), !RUNS(0), SECONDV(!RUNS(1)), SECONDV(RUNS(1)), true, true, true, true, true)
ROUND(Z, OPEN && SECONDV(!CANENTER(1)), !RUNS(0), RUNS(0), SECONDV(!RUNS(1)), true, true, true, true, true)
ROUND(W, OPEN, !RUNS(0), RUNS(0), SECONDV(!RUNS(1)), SECONDV(RUNS(1)), true, true, true, true)
}
#elif CLAIM==6
#define OPEN (td==4)
never b6 {
T: if :: true -> goto T :: OPEN -> goto W0 fi;
ROUND(W, OPEN, !CANFLUSH(0), SECONDV(!CANFLUSH(1)), !CANFLUSHDONE, !CANWB, !CANFREE, !CANRECLAIM(0), SECONDP(!CANRECLAIM(1)), !CANDESTROY)
}
#endif
