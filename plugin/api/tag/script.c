/* SPDX-License-Identifier: Apache-2.0 */
/* The script, line by line as browsers get it. No dependency, no cookie, no eval, no inline script
 * or style: it runs under a Content-Security-Policy that names its server in script-src and
 * connect-src (and frame-src, img-src for creatives). It asks by a request without preflight: a
 * body without a type, which /v1/decide takes for JSON. */
#include "script.h"

static const char script[] =
    "(function(){'use strict';\n"
    "var "
    "own=document.currentScript,opts=own.dataset,base=own.src.replace(/\\/v1\\/tag\\.js.*$/,'');\n"
    "var SEL='[data-admatch-slot]',LIMIT=30000,SKIP=/^(script|style|noscript|template|nav|header|"
    "footer|aside|form|button|select|textarea|iframe|svg|code|pre|h1|h2|h3|h4)$/i;\n"
    /* an address that a link or a request may have */
    "function web(u){return typeof u==='string'&&/^https?:\\/\\//i.test(u)?u:''}\n"
    "function fire(u){if(web(u))fetch(u,{mode:'no-cors',credentials:'omit',keepalive:true})"
    ".catch(function(){})}\n"
    "function list(root){return Array.prototype.filter.call(root.querySelectorAll(SEL),"
    "function(e){return !e.dataset.admatchState})}\n"
    "function sizes(e){return (e.dataset.size||'').split(/[\\s,]+/).filter(function(s){"
    "return /^\\d+x\\d+$/.test(s)})}\n"
    /* room for the first size, before anything is asked: nothing moves later */
    "function reserve(e){var s=sizes(e)[0];if(!s)return;s=s.split('x');e.style.display='block';"
    "e.style.maxWidth='100%';e.style.width=s[0]+'px';e.style.height=s[1]+'px';"
    "e.style.overflow='hidden'}\n"
    /* the page's main text: pieces of text nodes, and where each begins */
    "function read(){var out={text:'',parts:[]},root=document.querySelector(opts.text||"
    "'article,main,[role=main],[itemprop=articleBody]')||document.body;"
    "if(opts.noText!==undefined||!root)return out;\n"
    "var walk=document.createTreeWalker(root,5,{acceptNode:function(n){return n.nodeType===3?1:"
    "SKIP.test(n.nodeName)||n.dataset&&n.dataset.admatchSlot!==undefined?2:3}}),n,last;\n"
    "while((n=walk.nextNode())&&out.text.length<LIMIT){if(last&&last!==n.parentNode)out.text+=' ';"
    "last=n.parentNode;out.parts.push({node:n,at:out.text.length});"
    "out.text+=n.data.replace(/&/g,'+')}\n"
    "out.text=out.text.slice(0,LIMIT);return out}\n"
    "function link(ad,url){var a=document.createElement('a');a.href=url;a.target='_blank';"
    "a.rel='sponsored noopener nofollow';a.title=ad.advertiser||'';return a}\n"
    "function target(ad){return web(ad.urls&&ad.urls.click)||web(ad.url)}\n"
    "function line(a,tag,text,css){if(!text)return;var e=document.createElement(tag);"
    "e.textContent=text;Object.assign(e.style,css);a.appendChild(e)}\n"
    "function first(c,names){for(var i=0;i<names.length;i++)if(typeof c[names[i]]==='string'&&"
    "c[names[i]])return c[names[i]];return ''}\n"
    "function draw(e,ad){var c=ad.creative;if(!c||typeof c!=='object')c={text:String(c||'')};"
    "var html=first(c,['adm','html','markup']),a,img,src;\n"
    "if(html.trim().charAt(0)==='<'){a=document.createElement('iframe');"
    "a.setAttribute('sandbox','allow-scripts allow-popups allow-popups-to-escape-sandbox');"
    "a.referrerPolicy='no-referrer';a.title='Advertisement';"
    "Object.assign(a.style,{border:'0',width:'100%',height:'100%'});a.srcdoc=html;"
    "e.appendChild(a);return}\n"
    "src=web(first(c,['image','img']));a=link(ad,target(ad)||'#');"
    "Object.assign(a.style,{display:'block',height:'100%'});\n"
    "if(src){img=document.createElement('img');img.alt=first(c,['title','headline'])||"
    "'Advertisement';img.src=src;Object.assign(img.style,{maxWidth:'100%',maxHeight:'100%',"
    "border:'0'});a.appendChild(img)}\n"
    "else{line(a,'strong',first(c,['title','headline','name'])||ad.ad,{display:'block'});"
    "line(a,'span',first(c,['text','description','body']),{display:'block'});"
    "line(a,'em',first(c,['cta','button']),{})}\n"
    "if(!target(ad))a.removeAttribute('href');e.appendChild(a)}\n"
    /* half of it in view for a second, of a page that is shown (MRC) */
    "function watch(e,ad){var t,u=ad.urls&&ad.urls.view;if(!u||!window.IntersectionObserver)return;"
    "var o=new IntersectionObserver(function(seen){var s=seen[seen.length-1];clearTimeout(t);"
    "if(s.intersectionRatio>=0.5)t=setTimeout(function(){if(document.hidden)return;"
    "o.disconnect();fire(u)},1000)},{threshold:[0,0.5]});o.observe(e);"
    "document.addEventListener('visibilitychange',function(){clearTimeout(t);"
    "if(!document.hidden){o.unobserve(e);o.observe(e)}})}\n"
    "function place(e,ad){if(!ad){e.dataset.admatchState='empty';return}draw(e,ad);"
    "e.dataset.admatchState='filled';e.dataset.admatchAd=ad.ad;fire(ad.urls&&ad.urls.impression);"
    "watch(e,ad)}\n"
    /* marks of words, from the last to the first, so that earlier offsets stay right */
    "function mark(page,ad){var url=target(ad),made=[];if(!url)return;\n"
    "ad.match.spans.slice().reverse().forEach(function(s){var b=s.utf16[0],f=s.utf16[1],i,p,n,a;"
    "for(i=page.parts.length-1;i>=0&&page.parts[i].at>b;i--);p=page.parts[i];n=p&&p.node;b-=p.at;"
    "f-=p.at;if(!n||f>n.data.length||!n.parentNode||n.parentNode.closest('a'))return;\n"
    "n=n.splitText(b);n.splitText(f-b);a=link(ad,url);a.className='admatch_word';"
    "a.dataset.admatchAd=ad.ad;n.parentNode.replaceChild(a,n);a.appendChild(n);made.push(a)});\n"
    "if(made.length){fire(ad.urls&&ad.urls.impression);watch(made[made.length-1],ad)}}\n"
    "function ask(es,inText){if(!es.length&&!inText)return;var page=read(),slots=es.map("
    "function(e,i){e.dataset.admatchState='asked';var s={id:String(i),count:1},z=sizes(e);"
    "if(z.length)s.size=z;return s});\n"
    "if(inText)slots.push({id:'text',count:inText});"
    "var body={title:document.title,url:location.origin+location.pathname,slots:slots,"
    "context:{site:location.hostname}};if(page.text)body.text=page.text;"
    "if(opts.noText!==undefined){delete body.url;delete body.title}\n"
    "return fetch(base+'/v1/decide',{method:'POST',credentials:'omit',"
    "body:new Blob([JSON.stringify(body)])}).then(function(r){if(!r.ok)throw 0;return r.json()})"
    ".then(function(d){d.slots.forEach(function(s){if(s.id==='text')"
    "s.ads.filter(function(ad){var m=ad.match||{};return "
    "m.field==='text'&&m.spans&&m.spans.length})"
    ".sort(function(x,y){return y.match.spans[0].utf16[0]-x.match.spans[0].utf16[0]})"
    ".forEach(function(ad){mark(page,ad)});else place(es[+s.id],s.ads[0])})})"
    ".catch(function(){es.forEach(function(e){e.dataset.admatchState='failed'})})}\n"
    "function lazy(es){var o=new IntersectionObserver(function(seen){var "
    "now=seen.filter(function(s){"
    "return s.isIntersecting&&!s.target.dataset.admatchState}).map(function(s){"
    "o.unobserve(s.target);return s.target});ask(now)},{rootMargin:'200px'});"
    "es.forEach(function(e){o.observe(e)})}\n"
    "function go(){var es=list(document),late=window.IntersectionObserver?es.filter(function(e){"
    "return e.dataset.lazy!==undefined}):[];var now=es.filter(function(e){return "
    "late.indexOf(e)<0});"
    "lazy(late);return ask(now,Math.min(+opts.inText||0,10))}\n"
    "function start(){list(document).forEach(reserve);if(opts.wait===undefined)go()}\n"
    "window.admatch={go:go};"
    "if(document.readyState==='loading')document.addEventListener('DOMContentLoaded',start);"
    "else start()})();\n";

const struct am_view am_api_tag_script = {script, sizeof script - 1};

/* ---- the demo ---------------------------------------------------------------------------------
 */

const char am_api_tag_demo_policy[] =
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src * data:; "
    "style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

static const char demo[] =
    "<!doctype html><html lang=en><meta charset=utf-8><title>Trail running shoes: a demo page"
    "</title><meta name=viewport content='width=device-width'>\n"
    "<h1>A page with ads</h1>\n"
    "<div data-admatch-slot=top data-size=728x90></div>\n"
    "<article><p>New trail running shoes are light, and grip on wet rock. Whoever flies far for a "
    "race looks for cheap flights, a hotel in Paris, and good coffee beans.</p></article>\n"
    "<div data-admatch-slot=side data-size='300x250,300x600'></div>\n"
    "<div data-admatch-slot=bottom data-lazy></div>\n"
    "<script src=v1/tag.js data-in-text=2 defer></script></html>\n";

const struct am_view am_api_tag_demo = {demo, sizeof demo - 1};
